"""Who gets in at the addresses of virtual machines and deployments: rows of the table of
tests/house/permissions.py.
"""

from tests.house.permissions_words import ALL, A, T, U

ADMIN, SEEN, MAY_OPERATE = frozenset({A}), frozenset({A, T, U}), frozenset({A, T})
VERBS = ("start", "shut-down", "turn-off", "save", "pause", "resume", "restart")
ONE = "virtual-machines/<uuid:pk>/"

PAGES = {
    "home/": ALL,  # whoever is no tenant is led to the overview
    "search/": ALL,
    "virtual-machines/": SEEN,
    "virtual-machines/columns/": SEEN,
    "virtual-machines/commands/": SEEN,
    "virtual-machines/act/<slug:verb>/": MAY_OPERATE,
    ONE: SEEN,
    f"{ONE}row/": SEEN,
    f"{ONE}move/": ADMIN,
    f"{ONE}settings/": ADMIN,
    f"{ONE}delete/": ADMIN,
    f"{ONE}checkpoints/": MAY_OPERATE,
    f"{ONE}checkpoints/<slug:checkpoint>/<slug:verb>/": MAY_OPERATE,
    "deployments/": SEEN,
    "deployments/new/": MAY_OPERATE,
    "deployments/new/fields/": MAY_OPERATE,
    "deployments/new/preflight/": MAY_OPERATE,
    "deployments/batch/new/": MAY_OPERATE,
    "deployments/batch/<uuid:pk>/": SEEN,
    "deployments/batch/<uuid:pk>/results/": SEEN,
    "deployments/batch/<uuid:pk>/cancel/": MAY_OPERATE,
    "deployments/batch/<uuid:pk>/retry/": MAY_OPERATE,
    "deployments/<uuid:pk>/": SEEN,
    "deployments/<uuid:pk>/row/": SEEN,
    "deployments/<uuid:pk>/cancel/": MAY_OPERATE,
    "deployments/<uuid:pk>/retry/": MAY_OPERATE,
    "deployments/<uuid:pk>/retry-elsewhere/": MAY_OPERATE,
    "deployments/<uuid:pk>/clean-up/": MAY_OPERATE,
}
API = {
    "GET virtual-machines/": SEEN,
    "GET virtual-machines/<>/": SEEN,
    "PATCH virtual-machines/<>/": ADMIN,
    "DELETE virtual-machines/<>/": ADMIN,
    "GET virtual-machines/<>/capabilities/": SEEN,
    "GET virtual-machines/<>/disks/": SEEN,
    "GET virtual-machines/<>/network-adapters/": SEEN,
    "GET virtual-machines/<>/checkpoints/": SEEN,
    "POST virtual-machines/<>/checkpoints/": MAY_OPERATE,
    "POST virtual-machines/<>/checkpoints/<>/apply/": MAY_OPERATE,
    "DELETE virtual-machines/<>/checkpoints/<>/": MAY_OPERATE,
    "POST virtual-machines/<>/move/": ADMIN,
    "GET virtual-machines/<>/placements/": frozenset({A, U}),
    "GET deployments/": SEEN,
    "POST deployments/": MAY_OPERATE,
    "POST deployments/preflight/": MAY_OPERATE,
    "GET deployments/batch/": SEEN,
    "POST deployments/batch/": MAY_OPERATE,
    "POST deployments/batch/preflight/": MAY_OPERATE,
    "GET deployments/batch/<>/": SEEN,
    "GET deployments/batch/<>/results/": SEEN,
    "GET deployments/<>/": SEEN,
    "GET deployments/<>/placements/": MAY_OPERATE,
    "POST deployments/<>/retry/": MAY_OPERATE,
    "POST deployments/<>/clean-up/": MAY_OPERATE,
}
API |= {f"POST virtual-machines/<>/{verb}/": MAY_OPERATE for verb in VERBS}

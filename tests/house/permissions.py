"""The written table of addresses: who gets in where.

Every address that the portal answers has a row here: pages by their route, the API by method and
route. A row names who may pass; everybody else has to be refused:

* nobody signed in: pages lead to the sign-in form, the API says 401;
* signed in, but not in the row: 403, or 404 where the row of the address is somebody else's.

Whoever adds an address adds its row in the folder of the room: `tests/<room>/permissions.py` with
`PAGES` and `API`, of the same shape as below. Only what no room owns is in this file.

The words are in permissions_words. Routes are written as Django knows them, with `<…>` for what
varies.
"""

from importlib import import_module

from tests.house.permissions_words import ALL, OPEN, A, U

PAGES: dict[str, frozenset[str]] = {
    "health/live/": OPEN,
    "health/ready/": OPEN,
    "problems/<slug:slug>/": OPEN,
    "problems/<slug:slug>": OPEN,
    "metrics/": frozenset({A}),
    "audit/": ALL,
    "audit/entries/<int:index>/": ALL,
    "audit/verify/": ALL,
    "audit/verifier/": ALL,
}
API: dict[str, frozenset[str]] = {
    "GET schema/": ALL,
    "GET docs/": ALL,
    "GET audit/entries/": ALL,
    "GET audit/entries/<>/": ALL,
    "GET audit/checkpoint/": ALL,
    "GET audit/proofs/inclusion/": ALL,
    "GET audit/proofs/consistency/": ALL,
    "GET audit/export/": frozenset({U}),
}
ROOMS = ("accounts", "operations", "fabric", "attestation", "library", "vms", "console")

for _room in ROOMS:
    _rows = import_module(f"tests.{_room}.permissions")
    PAGES |= _rows.PAGES
    API |= _rows.API

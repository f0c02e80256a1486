"""Who gets in at the addresses of the library: rows of the table of tests/house/permissions.py."""

from tests.house.permissions_words import A, T, U

SEEN = frozenset({A, T, U})
MAY_DELETE = frozenset({A, T})
OWNER = frozenset({T})

PAGES = {
    "library/": SEEN,
    "library/uploads/": SEEN,
    "library/uploads/<uuid:pk>/stop/": MAY_DELETE,
    "library/uploads/<uuid:pk>/verify/": MAY_DELETE,
    "library/pairs/<uuid:pk>/": SEEN,
    "library/template-disks/<uuid:pk>/": SEEN,
    "library/template-disks/<uuid:pk>/delete/": MAY_DELETE,
    "library/template-disks/<uuid:pk>/inspect/": MAY_DELETE,
    "library/shielding-data/<uuid:pk>/": SEEN,
    "library/shielding-data/<uuid:pk>/delete/": MAY_DELETE,
    "library/shielding-data/<uuid:pk>/inspect/": MAY_DELETE,
    "library/template-disks/<uuid:pk>/verify/": MAY_DELETE,
    "library/shielding-data/<uuid:pk>/verify/": MAY_DELETE,
}
API = {
    "GET uploads/": SEEN,
    "GET uploads/<>/": SEEN,
    "POST uploads/<>/verify/": MAY_DELETE,
    "GET library/pairs/": SEEN,
    "GET library/pairs/<>/": SEEN,
}
for _noun in ("template-disks", "shielding-data"):
    API |= {
        f"GET {_noun}/": SEEN,
        f"GET {_noun}/<>/": SEEN,
        f"DELETE {_noun}/<>/": MAY_DELETE,
        f"POST {_noun}/<>/inspect/": MAY_DELETE,
        f"POST {_noun}/<>/verify/": MAY_DELETE,
        f"GET {_noun}/<>/content/": OWNER,
    }

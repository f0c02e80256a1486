"""The written table of addresses: who gets in where.

Every address that the portal answers has a row here: pages by their route, the API by method and
route. A row names who may pass; everybody else has to be refused:

* nobody signed in: pages lead to the sign-in form, the API says 401;
* signed in, but not in the row: 403, or 404 where the row of the address is somebody else's.

Whoever adds an address adds its row in the folder of the room: `tests/<room>/permissions.py` with
`PAGES` and `API`, of the same shape as below. Only what no room owns is in this file.

Words: A admin (HCI), G guardian (HGS), T tenant, U auditor; `ALL` the four; `OPEN` also who isn't
signed in. Routes are written as Django knows them, with `<…>` for what varies.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec

A, G, T, U = "admin", "guardian", "contoso", "auditor"
ALL = frozenset({A, G, T, U})
OPEN = frozenset({*ALL, "nobody"})
FABRIC = frozenset({A, G, U})

Rows = Mapping[str, frozenset[str]]

PAGES: dict[str, frozenset[str]] = {
    "health/live/": OPEN,
    "health/ready/": OPEN,
    "problems/<slug:slug>/": OPEN,
    "problems/<slug:slug>": OPEN,
    "sign-in/": OPEN,
    "sign-out/": OPEN,
    "metrics/": frozenset({A}),
    "account/": ALL,
    "account/theme/": ALL,
    "account/tokens/": ALL,
    "account/tokens/<uuid:pk>/revoke/": ALL,
    "audit/": ALL,
}
API: dict[str, frozenset[str]] = {
    "GET me/": ALL,
    "GET schema/": ALL,
    "GET docs/": ALL,
    "GET tenants/": frozenset({A, U}),
    "POST tenants/": frozenset({A}),
    "GET tenants/<>/": frozenset({A, U}),
    "GET users/": frozenset({A, U}),
    "POST users/": frozenset({A}),
    "GET users/<>/": frozenset({A, U}),
    "GET tokens/": ALL,
    "POST tokens/": ALL,
    "GET tokens/<>/": ALL,
    "DELETE tokens/<>/": ALL,
    "GET audit/entries/": ALL,
    "GET audit/entries/<>/": ALL,
}
API |= {
    # operations: one's own, one's tenant's, or all of them
    "GET operations/": ALL,
    "GET operations/<>/": ALL,
    "GET operations/<>/events/": ALL,
    "POST operations/<>/cancel/": frozenset({A, G, T}),
    "POST operations/<>/retry/": frozenset({A, G, T}),
    # fabric
    "GET clusters/": FABRIC,
    "POST clusters/": frozenset({A}),
    "POST clusters/preflight/": frozenset({A}),
    "GET clusters/<>/": FABRIC,
    "PATCH clusters/<>/": frozenset({A}),
    "DELETE clusters/<>/": frozenset({A}),
    "POST clusters/<>/refresh/": frozenset({A}),
    "GET hosts/": FABRIC,
    "GET hosts/<>/": FABRIC,
    "POST hosts/<>/drain/": frozenset({A}),
    "POST hosts/<>/resume/": frozenset({A}),
    "GET volumes/": FABRIC,
    "GET volumes/<>/": FABRIC,
    "GET virtual-switches/": FABRIC,
    "GET virtual-switches/<>/": FABRIC,
    "GET health-faults/": FABRIC,
    "GET health-faults/<>/": FABRIC,
}
ROOMS = ("operations", "fabric", "attestation", "library", "vms", "console")

for _room in ROOMS:
    _name = f"tests.{_room}.permissions"
    if find_spec(f"tests.{_room}") and find_spec(_name):
        _rows = import_module(_name)
        PAGES |= getattr(_rows, "PAGES", {})
        API |= getattr(_rows, "API", {})

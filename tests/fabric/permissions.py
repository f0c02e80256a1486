"""Who gets in at the addresses of the fabric: rows of the table of tests/house/permissions.py."""

from tests.house.permissions_words import ALL, FABRIC, A

ADMIN = frozenset({A})

PAGES = {
    "": ALL,  # everybody is led to their own first page
    "overview/": ALL,  # a tenant is led home
    "clusters/": FABRIC,
    "clusters/<uuid:pk>/": FABRIC,
    "clusters/add/": ADMIN,
    "clusters/<uuid:pk>/edit/": ADMIN,
    "clusters/<uuid:pk>/refresh/": ADMIN,
    "clusters/<uuid:pk>/remove/": ADMIN,
    "hosts/": FABRIC,
    "hosts/<uuid:pk>/": FABRIC,
    "hosts/<uuid:pk>/row/": FABRIC,
    "hosts/<uuid:pk>/drain/": ADMIN,
    "hosts/<uuid:pk>/resume/": ADMIN,
    "volumes/": FABRIC,
}
API = {
    "GET clusters/": FABRIC,
    "POST clusters/": ADMIN,
    "POST clusters/preflight/": ADMIN,
    "GET clusters/<>/": FABRIC,
    "PATCH clusters/<>/": ADMIN,
    "DELETE clusters/<>/": ADMIN,
    "POST clusters/<>/refresh/": ADMIN,
    "GET hosts/": FABRIC,
    "GET hosts/<>/": FABRIC,
    "POST hosts/<>/drain/": ADMIN,
    "POST hosts/<>/resume/": ADMIN,
    "GET volumes/": FABRIC,
    "GET volumes/<>/": FABRIC,
    "GET virtual-switches/": FABRIC,
    "GET virtual-switches/<>/": FABRIC,
    "GET health-faults/": FABRIC,
    "GET health-faults/<>/": FABRIC,
}

"""Who gets in at the addresses of operations: rows of the table of tests/house/permissions.py."""

from tests.house.permissions_words import ALL, A, G, T

MAY_ACT = frozenset({A, G, T})

PAGES = {
    "activity/": ALL,
    "activity/bell/": ALL,
    "activity/count/": ALL,
    "activity/<uuid:pk>/": ALL,
    "activity/<uuid:pk>/row/": ALL,
    "activity/<uuid:pk>/cancel/": MAY_ACT,
    "activity/<uuid:pk>/retry/": MAY_ACT,
}
# One's own, one's tenant's, or all of them.
API = {
    "GET operations/": ALL,
    "GET operations/<>/": ALL,
    "GET operations/<>/events/": ALL,
    "POST operations/<>/cancel/": MAY_ACT,
    "POST operations/<>/retry/": MAY_ACT,
}

"""Who gets in at the addresses of the console: rows of the table of tests/house/permissions.py."""

from tests.house.permissions_words import OPEN, A, T

MAY_OPEN = frozenset({A, T})

PAGES = {
    "console/<str:token>.rdp": OPEN,  # the ticket in the address is the permission
    "virtual-machines/<uuid:pk>/console/": MAY_OPEN,
}
API = {"POST virtual-machines/<>/console/": MAY_OPEN}

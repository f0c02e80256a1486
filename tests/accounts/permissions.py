"""Who gets in at the addresses of people, tenants and tokens: rows of the table of
tests/house/permissions.py.
"""

from tests.house.permissions_words import ALL, OPEN, A, U

ADMIN, SEEN = frozenset({A}), frozenset({A, U})
USER, TENANT = "settings/users/<uuid:pk>/", "settings/tenants/<uuid:pk>/"

PAGES = {
    "sign-in/": OPEN,
    "sign-out/": OPEN,
    "choose-password/": OPEN,
    "account/": ALL,
    "account/password/": ALL,
    "account/theme/": ALL,
    "account/tokens/": ALL,
    "account/tokens/<uuid:pk>/revoke/": ALL,
    "settings/": ALL,  # who manages nothing is led to the account
    "settings/users/": SEEN,
    "settings/users/new/": ADMIN,
    USER: SEEN,
    f"{USER}role/": ADMIN,
    f"{USER}password/": ADMIN,
    f"{USER}password-link/": ADMIN,
    f"{USER}deactivate/": ADMIN,
    f"{USER}reactivate/": ADMIN,
    "settings/tenants/": SEEN,
    "settings/tenants/new/": ADMIN,
    TENANT: SEEN,
    f"{TENANT}edit/": ADMIN,
    f"{TENANT}delete/": ADMIN,
    "settings/tokens/": ADMIN,
}
API = {
    "GET me/": ALL,
    "GET tenants/": SEEN,
    "POST tenants/": ADMIN,
    "GET tenants/<>/": SEEN,
    "PATCH tenants/<>/": ADMIN,
    "DELETE tenants/<>/": ADMIN,
    "GET users/": SEEN,
    "POST users/": ADMIN,
    "GET users/<>/": SEEN,
    "PATCH users/<>/": ADMIN,
    "POST users/<>/deactivate/": ADMIN,
    "POST users/<>/reactivate/": ADMIN,
    "POST users/<>/password/": ADMIN,
    "POST users/<>/password-link/": ADMIN,
    "GET tokens/": ALL,
    "POST tokens/": ALL,
    "GET tokens/<>/": ALL,
    "DELETE tokens/<>/": ALL,
}

"""Who gets in at the addresses of attestation: rows of the table of tests/house/permissions.py."""

from tests.house.permissions_words import FABRIC, A, G

ADMIN, GUARDIAN = frozenset({A}), frozenset({G})

PAGES = {
    "attestation/": FABRIC,
    "guardian-services/": FABRIC,
    "guardian-services/<uuid:pk>/refresh/": GUARDIAN,
    "hosts/<uuid:pk>/guard/": ADMIN,
    "hosts/<uuid:pk>/diagnose/": ADMIN,
}
API = {
    "GET guardian-services/": FABRIC,
    "POST guardian-services/": GUARDIAN,
    "GET guardian-services/<>/": FABRIC,
    "PATCH guardian-services/<>/": GUARDIAN,
    "DELETE guardian-services/<>/": GUARDIAN,
    "GET guardian-services/<>/metadata/": FABRIC,
    "POST guardian-services/<>/refresh/": GUARDIAN,
    "GET attestation/verdicts/": FABRIC,
    "GET attestation/verdicts/<>/": FABRIC,
    "GET attestation/history/": FABRIC,
    "GET attestation/history/<>/": FABRIC,
    "GET attestation/history/export/": FABRIC,
    "POST hosts/<>/guard/": ADMIN,
    "POST hosts/<>/diagnose/": ADMIN,
}

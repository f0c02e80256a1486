"""The written table: which role may do what with which rows. Nothing else decides.

Scope: `all` rows, those of one's `tenant`, or one's `own`. A noun that a role doesn't have here
doesn't exist for it: its lists are refused. What no role has (a content of a disk for an admin,
an audit entry to write) can't be done by anybody.
"""

from collections.abc import Mapping

from apps.accounts.choices import Role
from apps.common.access import (
    Grant,
    RestrictedQuerySet,
    Scope,
    grant_of,
    holds,
    missing,
    require,
    require_noun,
)

__all__ = [
    "GRANTS",
    "NOUNS",
    "Grant",
    "RestrictedQuerySet",
    "grant_of",
    "holds",
    "missing",
    "permissions_of",
    "require",
    "require_noun",
]


def _may(actions: str, scope: Scope = "all") -> Grant:
    return Grant(frozenset(actions.split()), scope)


_FABRIC = ("cluster", "host", "volume", "virtual-switch", "health-fault")
_SEEN = {noun: _may("view") for noun in _FABRIC}

GRANTS: Mapping[Role, Mapping[str, Grant]] = {
    Role.HCI_ADMIN: {
        "cluster": _may("view manage refresh deploy"),
        "host": _may("view manage"),
        "volume": _may("view"),
        "virtual-switch": _may("view"),
        "health-fault": _may("view"),
        "vm": _may("view operate checkpoint edit move delete deploy console manage"),
        # an admin sees that it exists, deploys it, deletes what isn't used; never its content
        "upload": _may("view delete"),
        "template-disk": _may("view deploy delete refresh"),
        "shielding-data": _may("view deploy delete refresh"),
        "pair": _may("view deploy"),
        "deployment": _may("view deploy delete"),
        "guardian-service": _may("view request"),
        "verdict": _may("view export"),
        "operation": _may("view cancel retry"),
        "audit-entry": _may("view"),
        "user": _may("view manage"),
        "tenant": _may("view manage"),
        "token": _may("view manage"),  # makes its own alone, ends anybody's
    },
    Role.HGS_ADMIN: {
        **_SEEN,
        "guardian-service": _may("view manage request approve refresh"),
        "verdict": _may("view export"),
        "operation": _may("view cancel retry", "own"),
        "audit-entry": _may("view"),
        "token": _may("view manage", "own"),
    },
    Role.TENANT: {
        "vm": _may("view operate checkpoint deploy console", "tenant"),
        "upload": _may("view upload delete", "tenant"),
        "template-disk": _may("view upload deploy delete content", "tenant"),
        "shielding-data": _may("view upload deploy delete content", "tenant"),
        "pair": _may("view deploy", "tenant"),
        "deployment": _may("view deploy delete", "tenant"),
        "operation": _may("view cancel retry", "tenant"),
        "audit-entry": _may("view", "tenant"),
        "token": _may("view manage", "own"),
    },
    Role.AUDITOR: {
        **_SEEN,
        "vm": _may("view"),
        "upload": _may("view"),
        "template-disk": _may("view"),
        "shielding-data": _may("view"),
        "pair": _may("view"),
        "deployment": _may("view"),
        "guardian-service": _may("view"),
        "verdict": _may("view export"),
        "operation": _may("view"),
        "audit-entry": _may("view export verify"),
        "user": _may("view"),
        "tenant": _may("view"),
        "token": _may("view manage", "own"),
    },
}
NOUNS = frozenset(noun for grants in GRANTS.values() for noun in grants)


def permissions_of(role: str) -> dict[str, list[str]]:
    """What a role may do, as the API tells it: noun → actions."""
    return {noun: sorted(grant.actions) for noun, grant in sorted(GRANTS[Role(role)].items())}

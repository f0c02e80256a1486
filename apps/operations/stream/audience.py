"""Who listens, and which nudges are for them."""

from dataclasses import dataclass
from typing import Any

from django.db import connections

from apps.accounts.asgi import person_behind
from apps.accounts.models import User
from apps.accounts.permissions import grant_of
from apps.common.errors import MethodNotAllowed

#: The noun whose grant decides, where it isn't the nudge's own kind.
NOUN_OF = {"attestation": "verdict", "library": "template-disk"}
NOUNS = ("operation", "vm", "host", "verdict", "cluster", "template-disk", "deployment")


@dataclass(frozen=True)
class Audience:
    """What one person may be nudged about: the scope by noun, as the grants were when asked."""

    user_id: str
    tenant_id: str | None
    scopes: dict[str, str]

    @classmethod
    def of(cls, user: User) -> "Audience":
        grants = {noun: grant_of(user, noun) for noun in NOUNS}
        return cls(
            user_id=str(user.pk),
            tenant_id=str(user.tenant_id) if user.tenant_id else None,
            scopes={
                noun: grant.scope
                for noun, grant in grants.items()
                if grant is not None and "view" in grant.actions
            },
        )

    def may_hear(self, nudge: dict[str, Any]) -> bool:
        """Whether the row that a nudge names may be seen. What isn't known isn't told."""
        event = nudge.get("event", "")
        scope = self.scopes.get(NOUN_OF.get(event, event))
        if scope == "all":
            return True
        if scope == "tenant":
            return self.tenant_id is not None and nudge.get("tenant") == self.tenant_id
        if scope == "own":
            return nudge.get("actor") == self.user_id
        return False


def admit(scope: dict[str, Any]) -> Audience:
    """What the person behind a request may hear. Raises a PortalError where it is nobody."""
    if scope["method"] not in ("GET", "HEAD"):
        raise MethodNotAllowed("Only GET is served here.")
    try:
        return Audience.of(person_behind(scope))
    finally:
        connections.close_all()  # the thread is of a pool, and nobody ends its request

"""May this person do this to this row? One mechanism; the table that it asks is in accounts.

A person is whatever has `grant(noun)`: the answer is what its role may do with rows of that
noun, or None. Somebody signed out has no such method, and so may do nothing.
"""

from dataclasses import dataclass
from typing import Any, Literal, Self

from django.db import models

from apps.common.errors import Forbidden, NotFound

Scope = Literal["all", "tenant", "own"]


@dataclass(frozen=True)
class Grant:
    """What a role may do with rows of a noun, and with which of them."""

    actions: frozenset[str]
    scope: Scope = "all"


def grant_of(user: Any, noun: str) -> Grant | None:
    if not getattr(user, "is_active", False):
        return None
    ask = getattr(user, "grant", None)
    return ask(noun) if ask is not None else None


def holds(user: Any, noun: str, action: str) -> bool:
    """Whether the person's role includes the action at all, whichever row it is about."""
    grant = grant_of(user, noun)
    return grant is not None and action in grant.actions


class RestrictedQuerySet(models.QuerySet[Any]):
    """Rows that a person may see, or act upon.

    The model says what it is by `noun`, where its tenant is by `tenant_path` (None: it has none,
    and whoever is held to a tenant sees no row), and whose it is by `owner_path`.
    """

    def restrict(self, user: Any, action: str = "view") -> Self:
        grant = grant_of(user, self.model.noun)
        if grant is None or action not in grant.actions:
            return self.none()
        return self.within(user, grant.scope)

    def within(self, user: Any, scope: Scope) -> Self:
        """Rows inside a scope of this person."""
        if scope == "all":
            return self
        if scope == "own":
            return self.filter(**{getattr(self.model, "owner_path", "actor"): user.pk})
        path = getattr(self.model, "tenant_path", "tenant")
        if path is None or user.tenant_id is None:
            return self.none()
        return self.filter(**{path: user.tenant_id})


def missing(noun: str) -> NotFound:
    """The same words for a row that isn't there and for one that isn't yours."""
    return NotFound(f"There is no such {noun.replace('-', ' ')}.")


def require_noun(user: Any, noun: str, action: str) -> None:
    """Raises Forbidden unless the person's role includes the action (for creating and for
    lists).
    """
    if not holds(user, noun, action):
        raise Forbidden(
            f"Your role doesn't include “{action}” for {noun.replace('-', ' ')}s.",
            hint="Ask an HCI admin if you need it.",
        )


def require(user: Any, action: str, row: Any) -> None:
    """Raises NotFound if the person may not see the row, Forbidden if the verb is lacking."""
    model = type(row)
    if not model._default_manager.restrict(user, "view").filter(pk=row.pk).exists():
        raise missing(model.noun)
    require_noun(user, model.noun, action)

"""Signing in and out, and how one's own pages look."""

from typing import Any

from django.contrib.auth import authenticate
from django.db import transaction

from apps.accounts import throttling
from apps.accounts.models import User
from apps.audit import services as audit
from apps.common.errors import Invalid


def sign_in(*, username: str, password: str, address: str) -> User:
    """The person whose user and password these are. The same words for a wrong user and a wrong
    password; too many failures raise RateLimited."""
    throttling.refuse_if_too_many(username, address)
    user = authenticate(username=username, password=password)
    if not isinstance(user, User):
        throttling.failed(username, address)
        known = User.objects.filter(username=username).first()
        _tell(known or "nobody", "session.sign-in", "", username, {"address": address}, "refused")
        raise Invalid("User or password is wrong.")
    throttling.succeeded(username, address)
    _tell(user, "session.sign-in", user.pk, user.username, {"address": address})
    return user


def sign_out(*, actor: User) -> None:
    _tell(actor, "session.sign-out", actor.pk, actor.username)


def set_theme(*, user: User, theme: str) -> None:
    """How one's own pages look. Not worth a line in the log."""
    User.objects.filter(pk=user.pk).update(theme=theme)


@transaction.atomic
def set_preference(*, user: User, name: str, value: Any) -> None:
    """How the person wants a page to be, as JSON; kept beside the others."""
    held = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    held.preferences[name] = value
    held.save(update_fields=["preferences"])


def _tell(
    actor: User | str,
    action: str,
    key: Any,
    name: str,
    detail: dict[str, Any] | None = None,
    outcome: str = "done",
) -> None:
    audit.record(
        actor=actor, action=action, target_kind="user", target_id=str(key), target_name=name,
        outcome=outcome, detail=detail,
    )  # fmt: skip

"""Passwords: set by an admin, by their owner, or by a link that opens once."""

import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.accounts import throttling
from apps.accounts.models import PasswordLink, User
from apps.accounts.permissions import require
from apps.accounts.services import _rows
from apps.accounts.signals import access_ended
from apps.accounts.tokens import digest_of, make_key
from apps.common.errors import Conflict, Invalid

#: How long a link may be used.
LINK_LIVES = datetime.timedelta(days=3)


def check_password(password: str, user: User) -> None:
    """Raises Invalid with what the validators say of it."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid.field("password", " ".join(error.messages)) from None


@transaction.atomic
def set_password(*, actor: User | None, user: User, password: str) -> None:
    """A new password; every session of that person ends, and a link that waited opens nothing. Its
    tokens stay. Whoever runs the server (None) may set any.
    """
    if actor is not None:
        require(actor, "manage", user)
        if actor.pk == user.pk:
            raise Conflict(
                "Your own password is changed on your account’s page.",
                hint="There the one from before is asked for.",
            )
        check_password(password, user)
    _set(user, password, by_somebody_else=True)
    _rows.tell(actor, "user.set-password", user)


@transaction.atomic
def change_own_password(*, user: User, before: str, password: str, address: str) -> None:
    """A new password by who knows the one from before; other sessions end. Raises RateLimited
    after too many wrong ones.
    """
    throttling.refuse_if_too_many(user.username, address)
    if not user.check_password(before):
        throttling.failed(user.username, address)
        raise Invalid.field("before", "That isn’t your password.")
    check_password(password, user)
    _set(user, password)
    _rows.tell(user, "user.change-password", user)


@transaction.atomic
def issue_password_link(*, actor: User, user: User) -> tuple[PasswordLink, str]:
    """A link by which its owner sets a password, once, and its key, which is told once and kept
    nowhere. A link from before opens nothing any more. Raises Conflict for who is deactivated.
    """
    require(actor, "manage", user)
    if not user.is_active:
        raise Conflict(f"{user.username} is deactivated.", hint="Reactivate the account first.")
    key = make_key()
    link, _ = PasswordLink.objects.update_or_create(
        user=user, defaults={"digest": digest_of(key), "expires_at": timezone.now() + LINK_LIVES}
    )
    _rows.tell(actor, "user.password-link", user)
    return link, key


@transaction.atomic
def use_password_link(*, key: str, password: str) -> User:
    """Sets the password of whom the link is for. Raises Invalid naming `code` where the key opens
    nothing, in the same words whatever the reason.
    """
    good = PasswordLink.objects.filter(digest=digest_of(key), expires_at__gt=timezone.now())
    people = User.objects.select_for_update(no_key=True).filter(is_active=True)
    user = people.filter(pk__in=good.values("user")).first()
    # Asked again under the lock, so that two who use it at once can't both.
    if user is None or not good.exists():
        raise Invalid.field(
            "code", "This link opens nothing: it was used, it is too old, or there is a newer one."
        )
    check_password(password, user)
    _set(user, password, by_somebody_else=True)
    _rows.tell(user, "user.set-password", user, {"by": "link"})
    return user


def _set(user: User, password: str, *, by_somebody_else: bool = False) -> None:
    """Sessions are bound to the password, so they end with it. Who used a link may be anybody that
    an admin gave it to."""
    user.set_password(password)
    if by_somebody_else:
        user.vouched_at = timezone.now()
    user.save(update_fields=["password", "vouched_at"])
    PasswordLink.objects.filter(user=user).delete()
    access_ended.send(User, user_id=user.pk)

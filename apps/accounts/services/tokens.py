"""API tokens: made by whom they are for, ended by them or by an HCI admin."""

import datetime

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import ApiToken, User
from apps.accounts.permissions import require
from apps.accounts.services import _rows
from apps.accounts.signals import access_ended
from apps.accounts.tokens import digest_of, make_key
from apps.common.errors import Invalid


def issue_token(
    *,
    actor: User | None,
    user: User,
    name: str,
    expires_at: datetime.datetime | None = None,
    key: str | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its key, which is told once and kept nowhere. Only for oneself, over the
    API.
    """
    if actor is not None and actor.pk != user.pk:
        raise Invalid.field("user", "A token is made by whom it is for.")
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid.field("expires_at", "It has to be in the future.")
    key = key or make_key()
    with transaction.atomic():
        token = ApiToken(
            user=user, name=name, prefix=key[:9], digest=digest_of(key), expires_at=expires_at
        )
        _rows.check(token)
        token.save()
        _rows.tell(actor, "token.issue", token, {"user": user.username})
    return token, key


def revoke_token(*, actor: User, token: ApiToken) -> None:
    """Ends a token at once; again is no error."""
    require(actor, "manage", token)
    with transaction.atomic():
        ended = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(
            revoked_at=timezone.now()
        )
        if ended:
            whose = token.user
            access_ended.send(User, user_id=whose.pk)
            _rows.tell(actor, "token.revoke", token, {"user": whose.username})

"""Who sends a request to the API: a program by its token, or a browser by its session."""

import datetime

from django.utils import timezone
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.models import ApiToken, User
from apps.accounts.tokens import digest_of

SEEN_AGAIN = datetime.timedelta(minutes=1)
REFUSED = "The API token isn't known, has expired or was revoked."


def user_of_token(key: str) -> User | None:
    """The person whose token this is, or None. Notes that the token was used, once a minute."""
    token = (
        ApiToken.objects.select_related("user", "user__tenant")
        .filter(digest=digest_of(key))
        .first()
    )
    if token is None or not token.is_good or not token.user.is_active:
        return None
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > SEEN_AGAIN:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user


def user_of_header(header: str) -> User | None:
    """The person of an Authorization header; None without one. Raises where it holds no good
    token.
    """
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer":
        return None
    user = user_of_token(key.strip())
    if user is None:
        raise AuthenticationFailed(REFUSED)
    return user


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer fp_…`"""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        user = user_of_header(request.headers.get("Authorization", ""))
        return None if user is None else (user, None)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Fabric Portal"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session; whatever writes needs the CSRF token."""

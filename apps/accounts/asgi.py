"""Who sends a request that Django's own handler doesn't serve: by token, or by session and CSRF
token.
"""

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from rest_framework.authentication import CSRFCheck
from rest_framework.exceptions import AuthenticationFailed

from apps.accounts.authentication import user_of_header
from apps.accounts.models import User
from apps.common.errors import Forbidden, Invalid, Unauthenticated

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def person_behind(request: HttpRequest) -> User:
    """Raises Unauthenticated where it is nobody, Forbidden where a session's CSRF token is
    missing.
    """
    try:
        request.get_host()
    except DisallowedHost:
        raise Invalid("The request names a host that isn't served here.") from None
    try:
        by_token = user_of_header(request.headers.get("Authorization", ""))
    except AuthenticationFailed as refused:
        raise Unauthenticated(str(refused.detail)) from None
    if by_token is not None:
        return by_token
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = auth.get_user(request)
    if not isinstance(user, User) or not user.is_active:
        raise Unauthenticated("Sign in, or send an API token.")
    if request.method not in SAFE:
        _require_csrf_token(request)
    return user


def _require_csrf_token(request: HttpRequest) -> None:
    check = CSRFCheck(lambda _: None)
    check.process_request(request)
    if check.process_view(request, None, (), {}):
        raise Forbidden("The CSRF token is missing or old.", hint="Load the page again.")

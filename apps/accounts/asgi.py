"""Who sends a request that Django's own handler doesn't serve, by the rules of all the others: an
API token, or a session with its CSRF token.
"""

import io
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import CSRFCheck
from rest_framework.exceptions import AuthenticationFailed

from apps.accounts.authentication import user_of_header
from apps.accounts.models import User
from apps.common.errors import Forbidden, Invalid, Unauthenticated

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def person_behind(scope: dict[str, Any]) -> User:
    """Asks the database. Raises Unauthenticated where it is nobody, Invalid for another host's
    name, Forbidden where a session's CSRF token is missing.
    """
    request = ASGIRequest(scope, io.BytesIO())
    try:
        request.get_host()
    except DisallowedHost:
        raise Invalid("The request names a host that isn’t served here.") from None
    try:
        by_token = user_of_header(request.headers.get("Authorization", ""))
    except AuthenticationFailed as refused:
        raise Unauthenticated(str(refused.detail)) from None
    if by_token is not None:
        return by_token
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = auth.get_user(request)
    if not isinstance(user, User) or not user.is_active:
        raise Unauthenticated("Sign in, or send an API token.")
    if request.method not in SAFE:
        _require_csrf_token(request)
    return user


def _require_csrf_token(request: HttpRequest) -> None:
    check = CSRFCheck(_no_view)
    check.process_request(request)
    reason = check.process_view(request, _no_view, (), {})
    if reason:
        raise Forbidden(f"CSRF: {reason}", hint="Load the page again, then try again.")


def _no_view(_: HttpRequest) -> HttpResponse:
    """What the check is told it stands in front of; it calls nothing."""
    return HttpResponse()

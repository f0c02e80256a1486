"""Who sends a request: by the same tokens, sessions and CSRF rules as the rest of the API."""

import io
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from rest_framework.authentication import CSRFCheck
from rest_framework.exceptions import AuthenticationFailed

from apps.accounts.authentication import user_of_header
from apps.accounts.models import User
from apps.common.errors import Forbidden, Invalid, Unauthenticated

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def visitor(scope: dict[str, Any]) -> User:
    """The person behind a request. Raises Unauthenticated, Forbidden (CSRF), Invalid (host)."""
    request = ASGIRequest(scope, io.BytesIO())
    try:
        request.get_host()
    except DisallowedHost:
        raise Invalid("The request names a host that isn’t served here.") from None
    try:
        user: Any = user_of_header(request.headers.get("Authorization", ""))
    except AuthenticationFailed as refused:
        raise Unauthenticated(str(refused.detail)) from None
    if user is not None:
        return user
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = auth.get_user(request)
    if not isinstance(user, User) or not user.is_active:
        raise Unauthenticated("Sign in, or send an API token.")
    if request.method not in SAFE:
        _require_csrf(request)
    return user


def _require_csrf(request: ASGIRequest) -> None:
    check = CSRFCheck(lambda _: None)  # type: ignore[arg-type]
    check.process_request(request)
    reason = check.process_view(request, None, (), {})  # type: ignore[arg-type]
    if reason:
        raise Forbidden(f"CSRF: {reason}", hint="Load the page again, then try again.")

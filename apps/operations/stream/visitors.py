"""Who opens a stream: by token or by session, looked at again while it is open."""

import io
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from rest_framework.exceptions import AuthenticationFailed

from apps.accounts.authentication import user_of_header
from apps.common.errors import Invalid, MethodNotAllowed, Unauthenticated
from apps.operations.stream.audience import Audience


def admit(scope: dict[str, Any]) -> Audience:
    """What the person behind a request may hear. Raises a PortalError where it is nobody."""
    try:
        return _admit(scope)
    finally:
        connections.close_all()  # the thread is of a pool, and nobody ends its request


def _admit(scope: dict[str, Any]) -> Audience:
    request = ASGIRequest(scope, io.BytesIO())
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("Only GET is served here.")
    try:
        request.get_host()
    except DisallowedHost:
        raise Invalid("The request names a host that isn't served here.") from None
    user = _user(request)
    if user is None or not user.is_authenticated or not user.is_active:
        raise Unauthenticated("Sign in, or send an API token.")
    return Audience.of(user)


def _user(request: ASGIRequest) -> Any:
    try:
        by_token = user_of_header(request.headers.get("Authorization", ""))
    except AuthenticationFailed as refused:
        raise Unauthenticated(str(refused.detail)) from None
    if by_token is not None:
        return by_token
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    return auth.get_user(request)

"""Headers that every answer carries, and errors of services as answers of pages."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from redis.exceptions import RedisError

from apps.common import views
from apps.common.api.exceptions import without_redis
from apps.common.errors import PortalError

# Nothing inline, nothing from elsewhere. `img-src data:` is for icons that style sheets hold.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


def _dress(response: Any) -> Any:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


@sync_and_async_middleware
def security_headers(get_response: GetResponse) -> Callable[[HttpRequest], Any]:
    if iscoroutinefunction(get_response):

        async def dress_later(request: HttpRequest) -> Any:
            return _dress(await get_response(request))

        return dress_later

    def dress(request: HttpRequest) -> Any:
        return _dress(get_response(request))

    return dress


class errors_as_answers:
    """A page's view may let a service's error rise: it becomes a page that explains it."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        if isinstance(exception, PortalError):
            return views.problem_answer(request, exception)
        if isinstance(exception, RedisError):
            return views.problem_answer(request, without_redis(exception))
        return None

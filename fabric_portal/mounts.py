"""Which ASGI application answers which addresses."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from apps.common import problems
from apps.common.errors import PortalError

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LONGEST_ADDRESS = 16 << 10
LARGEST_HEADERS = 64 << 10


class AddressTooLong(PortalError):
    slug, status = "too-large", 414


class HeadersTooLarge(PortalError):
    slug, status = "too-large", 431


class Mounts:
    """Hands a request to the application mounted at its path's beginning, else to the default
    one.
    """

    def __init__(self, default: Application) -> None:
        self._default = default
        self._http: list[tuple[str, Application]] = []
        self._websocket: list[tuple[str, Application]] = []

    def mount(self, prefix: str, application: Application, *, websocket: bool = False) -> None:
        (self._websocket if websocket else self._http).append((prefix, application))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "websocket":
            found = self._find(self._websocket, scope["path"])
            await (found or _refuse_websocket)(scope, receive, send)
        elif (refusal := _too_large(scope)) is not None:
            await _refuse(refusal, send)
        else:
            found = self._find(self._http, scope["path"])
            await (found or self._default)(scope, receive, send)

    @staticmethod
    def _find(mounted: list[tuple[str, Application]], path: str) -> Application | None:
        return next((app for prefix, app in mounted if path.startswith(prefix)), None)


def _too_large(scope: Scope) -> PortalError | None:
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_ADDRESS:
        return AddressTooLong(f"The address is longer than {LONGEST_ADDRESS >> 10} KiB.")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS:
        return HeadersTooLarge(f"The headers are larger than {LARGEST_HEADERS >> 10} KiB.")
    return None


async def _refuse(error: PortalError, send: Send) -> None:
    body = json.dumps(problems.document(error)).encode()
    headers = [
        (b"content-type", problems.MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _refuse_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 4404})

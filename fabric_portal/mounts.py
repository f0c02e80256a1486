"""Which ASGI application answers which addresses."""

from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


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
        else:
            found = self._find(self._http, scope["path"])
            await (found or self._default)(scope, receive, send)

    @staticmethod
    def _find(mounted: list[tuple[str, Application]], path: str) -> Application | None:
        return next((app for prefix, app in mounted if path.startswith(prefix)), None)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _refuse_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 4404})

"""Answers of what speaks ASGI itself, with the headers that every answer carries."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from apps.common import problems
from apps.common.errors import PortalError
from apps.common.middleware import HEADERS

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


async def start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    """Sends the status and the headers; the body is still to come."""
    pairs = [
        (name.lower().encode(), value.encode("latin-1"))
        for name, value in {**HEADERS, **headers}.items()
    ]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def answer(send: Send, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
    await start(send, status, headers)
    await send({"type": "http.response.body", "body": body})


async def refuse(error: PortalError, send: Send) -> None:
    """The error as its problem document."""
    document = problems.response(error)
    await answer(send, document.status_code, dict(document.headers.items()), document.content)

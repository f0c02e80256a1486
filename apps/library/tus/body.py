"""The body of a request, in pieces of a useful size, with an end or without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from apps.library.errors import UploadStalled
from apps.library.tus.protocol import Headers, content_length

Receive = Callable[[], Awaitable[Any]]
PIECE = 1 << 20
#: A client that sends nothing for this long isn't waited for.
STALLED_SECONDS = 60
#: What came is handed on after so long, though it be little: nothing may be coming after it.
BEAT_SECONDS = 1
#: What is read of a refused body, so that the refusal arrives before the connection ends.
DRAINED, DRAIN_SECONDS = 16 << 20, 5


class Gone(Exception):
    """The connection was cut."""


class Body:
    """What a request brings. `length` is None where it comes in parts of unknown number."""

    def __init__(self, receive: Receive, headers: Headers) -> None:
        self._receive = receive
        self._waits = "expect" in headers
        self.length = content_length(headers)
        self.is_over = self.length == 0 or (
            self.length is None and "transfer-encoding" not in headers
        )

    async def pieces(self) -> AsyncIterator[bytes]:
        """Raises Gone where the connection is cut (after what came), UploadStalled in silence.
        Of a silence that is shorter an empty piece tells.
        """
        held: list[bytes] = []
        size, silent = 0, 0
        while not self.is_over:
            try:
                more = await self._next(BEAT_SECONDS)
            except Gone:
                if held:
                    yield b"".join(held)
                raise
            except TimeoutError:
                silent += BEAT_SECONDS
                if silent >= STALLED_SECONDS:
                    raise UploadStalled(
                        f"Nothing came for {STALLED_SECONDS} seconds.",
                        hint="Ask for the offset and go on from there.",
                    ) from None
                yield b"".join(held)
                held, size = [], 0
                continue
            held.append(more)
            size, silent = size + len(more), 0
            if size >= PIECE:
                yield b"".join(held)
                held, size = [], 0
        if held:
            yield b"".join(held)

    async def _next(self, seconds: float) -> bytes:
        """Raises Gone, TimeoutError."""
        async with asyncio.timeout(seconds):
            message = await self._receive()
        if message["type"] == "http.disconnect":
            self.is_over = True
            raise Gone
        self.is_over = not message.get("more_body", False)
        return message.get("body", b"")

    async def drain(self) -> None:
        """Reads on after a refusal, for a while: a client hears an answer once it has sent."""
        if self._waits:
            return
        left = DRAINED
        with suppress(Gone, TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self.is_over and left > 0:
                    left -= len(await self._next(DRAIN_SECONDS))

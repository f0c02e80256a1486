"""GET /api/v1/events/: nudges as server-sent events, one coroutine a stream, no thread held."""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from redis.exceptions import RedisError

from apps.common import asgi
from apps.common.asgi import Receive, Send
from apps.common.errors import NotFound, PortalError, RateLimited
from apps.common.threads import in_thread
from apps.operations import nudges
from apps.operations.stream.audience import Audience, admit
from apps.operations.stream.hub import Hub, Nudge, Queue
from apps.operations.stream.leaving import when_told_to_stop
from apps.operations.stream.seats import MOST, Seats

PATH = "/api/v1/events/"
HEARTBEAT_SECONDS = 15.0
#: Every so many heartbeats it is asked again who listens and what they may hear.
LOOK_AGAIN = 2
#: An event rather than a comment, of which a browser's script would hear nothing.
HEARTBEAT = {"event": "heartbeat", "kind": "heartbeat", "id": ""}
_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The one of this process's event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
        when_told_to_stop(_hubs[loop].close)
    return _hubs[loop]


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    try:
        if scope["path"] != PATH:
            raise NotFound("There is nothing at this address.")
        audience = await in_thread(admit, scope)
        seats, seat = Seats(audience.user_id), uuid.uuid4().hex
        if not await seats.take(seat):
            raise RateLimited(
                f"{MOST} streams of yours are open.", hint="Close one.", retry_after=5
            )
    except PortalError as error:
        await asgi.refuse(error, send)
        return
    try:
        await _Stream(scope, send, audience, lambda: seats.keep(seat)).run(receive)
    finally:
        await asyncio.shield(seats.leave(seat))


class _Stream:
    """One open answer."""

    def __init__(
        self,
        scope: dict[str, Any],
        send: Send,
        audience: Audience,
        keep_seat: Callable[[], Awaitable[None]],
    ) -> None:
        self._scope, self._send = scope, send
        self._audience, self._keep_seat = audience, keep_seat
        self._beats = 0

    async def run(self, receive: Receive) -> None:
        with hub().listening() as queue:
            await hub().ready(2)
            await self._start()
            await self._tell_recent()
            tasks = [
                asyncio.create_task(self._pour(queue)),
                asyncio.create_task(_gone(receive)),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(OSError):
            await self._send({"type": "http.response.body", "body": b""})

    async def _start(self) -> None:
        headers = {
            "content-type": "text/event-stream",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
        }
        await asgi.start(self._send, 200, headers)
        await self._write("retry: 2000\n: open\n\n")

    async def _tell_recent(self) -> None:
        """What happened between the page's making and this stream's opening."""
        try:
            told = await in_thread(nudges.recent)
        except RedisError:
            return  # the hub says so when Redis is back
        for nudge in told:
            if self._audience.may_hear(nudge):
                await self._write(_event(nudge))

    async def _pour(self, queue: Queue) -> None:
        beat_at = time.monotonic() + HEARTBEAT_SECONDS
        while not hub().closing:
            try:
                async with asyncio.timeout(max(0.0, beat_at - time.monotonic())):
                    nudge = await queue.get()
            except TimeoutError:
                beat_at = time.monotonic() + HEARTBEAT_SECONDS
                if not await self._beat():
                    return
                continue
            if nudge is None:
                return
            if nudge["event"] == "account":
                if nudge["id"] == self._audience.user_id and not await self._look_again():
                    return
                continue
            if nudge["event"] == "resync" or self._audience.may_hear(nudge):
                await self._write(_event(nudge))

    async def _beat(self) -> bool:
        """Keeps the way open; False once the person may not listen any more."""
        self._beats += 1
        await self._keep_seat()
        if self._beats % LOOK_AGAIN == 0 and not await self._look_again():
            return False
        await self._write(_event(HEARTBEAT))
        return True

    async def _look_again(self) -> bool:
        """Who listens, and what they may hear by now; False where it is nobody any more."""
        try:
            self._audience = await in_thread(admit, self._scope)
        except PortalError:
            return False
        return True

    async def _write(self, text: str) -> None:
        await self._send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _event(nudge: Nudge) -> str:
    """A nudge as it is sent: what changed, and nothing of what it is now."""
    data = json.dumps({"kind": nudge["kind"], "id": nudge["id"]})
    return f"event: {nudge['event']}\ndata: {data}\n\n"


async def _gone(receive: Receive) -> None:
    """Ends when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass

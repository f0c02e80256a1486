"""One subscription to the nudges for all streams of a web process."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import redis.asyncio as redis
from django.conf import settings
from redis.exceptions import RedisError

from apps.operations.nudges import CHANNEL

#: A stream that doesn't take its nudges is behind by this many before it is closed.
WAITING = 1000
RETRY_SECONDS = (0.2, 0.5, 1, 2, 5)
RESYNC = {"event": "resync", "kind": "resync", "id": ""}
Nudge = dict[str, Any]
Queue = asyncio.Queue[Nudge | None]  # None: the stream has to end
logger = logging.getLogger(__name__)


class Hub:
    """Streams come and go; the subscription lives while there is one. Belongs to one event loop."""

    def __init__(self) -> None:
        self._queues: set[Queue] = set()
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.closing = False

    @contextmanager
    def listening(self) -> Iterator[Queue]:
        """A queue of nudges, for as long as the stream is open."""
        queue: Queue = asyncio.Queue(WAITING)
        self._queues.add(queue)
        if self._reader is None or self._reader.done():
            self._ready.clear()
            self._reader = asyncio.get_running_loop().create_task(self._read())
        try:
            yield queue
        finally:
            self._queues.discard(queue)
            if not self._queues and self._reader is not None:
                self._reader.cancel()
                self._reader = None

    async def ready(self, seconds: float) -> None:
        """Waits until nudges arrive; a stream that opens while Redis is away opens all the same."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), seconds)

    def close(self) -> None:
        """Ends every stream: the process is going."""
        self.closing = True
        for queue in tuple(self._queues):
            _end(queue)

    async def _read(self) -> None:
        """Reads for good; a connection that breaks is made again, and streams hear of the gap."""
        failures = 0
        while True:
            connection = redis.Redis.from_url(settings.FABRIC_REDIS_URL, health_check_interval=15)
            try:
                async with connection.pubsub(ignore_subscribe_messages=True) as subscription:
                    await subscription.subscribe(CHANNEL)
                    if failures:
                        self._tell(RESYNC)
                    failures = 0
                    self._ready.set()
                    await self._follow(subscription)
            except (RedisError, OSError) as error:
                if not failures:
                    logger.warning("The nudges' subscription broke and is made again: %s", error)
                pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                failures += 1
                await asyncio.sleep(pause)
            finally:
                with suppress(RedisError, OSError):
                    await connection.aclose()

    async def _follow(self, subscription: Any) -> None:
        while True:
            message = await subscription.get_message(timeout=5)
            if message is None:
                continue
            try:
                nudge = json.loads(message["data"])
            except ValueError:
                logger.warning("A nudge that is no JSON was left out.")
                continue
            self._tell(nudge)

    def _tell(self, nudge: Nudge) -> None:
        for queue in tuple(self._queues):
            try:
                queue.put_nowait(nudge)
            except asyncio.QueueFull:
                _end(queue)


def _end(queue: Queue) -> None:
    """What waits in a queue doesn't matter any more: who reads it connects anew and reads all."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)

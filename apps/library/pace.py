"""How fast the portal gives bytes to hosts, over all hosts and all web processes.

The allowance is a clock in Redis: whoever takes bytes moves it on by the time that they may take,
and waits until it has gone by. A process takes a slice at a time, so that it asks Redis a few times
a second, however many hosts it serves. Where Redis is away it keeps to its own part of the whole.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

from redis.exceptions import RedisError

from apps.common import heartbeats
from apps.common.redis import client

KEY = "fabric:library:pace"
#: A slice is what all processes together may give in so many seconds.
SLICE_SECONDS = 0.25
#: Redis that didn't answer isn't asked again for so long.
REST_SECONDS = 5.0
#: So many web processes there may be, where Redis was never heard to say how many.
ASSUMED = 8
#: Moves the clock on by ARGV[1] microseconds; how long it is until then.
_MOVE = """
local told = redis.call('time')
local now = told[1] * 1000000 + told[2]
local free = math.max(now, tonumber(redis.call('get', KEYS[1]) or '0')) + tonumber(ARGV[1])
redis.call('set', KEYS[1], string.format('%.0f', free), 'px', math.ceil((free - now) / 1000) + 1000)
return free - now
"""
logger = logging.getLogger(__name__)


def reserve(seconds: float) -> float:
    """Takes the allowance of so many seconds; in how many it is ours. Raises RedisError."""
    return int(client().eval(_MOVE, 1, KEY, round(seconds * 1e6))) / 1e6


def processes() -> int:
    """The web processes that share the allowance, as far as this one has heard."""
    return heartbeats.last_heard(heartbeats.WEB) or ASSUMED


class Clock:
    """The same for one process alone; `rate()` in bytes a second."""

    def __init__(
        self, rate: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._clock = rate, clock
        self._free = 0.0

    def reserve(self, count: int) -> float:
        """In how many seconds that many bytes may go."""
        now = self._clock()
        self._free = max(now, self._free) + count / self._rate()
        return self._free - now


class Pace:
    """Waits so long that all web processes give no more than `rate()` bytes a second; 0 is no
    limit. Those that this one serves take in turn, so that many share what one would have.
    """

    def __init__(
        self,
        rate: Callable[[], float],
        reserve: Callable[[float], float] = reserve,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate, self._reserve, self._clock, self._sleep = rate, reserve, clock, sleep
        self._own = Clock(lambda: rate() / processes(), clock)
        self._left = 0
        self._ask_after = 0.0
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )

    async def take(self, count: int) -> None:
        rate = self._rate()
        if not rate:
            return
        async with self._turns.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if self._left < count:
                await self._more(count, rate)
            self._left -= count

    async def _more(self, count: int, rate: float) -> None:
        size = max(count - self._left, round(rate * SLICE_SECONDS))
        await self._sleep(await asyncio.to_thread(self._wait, size, rate))
        self._left += size

    def _wait(self, size: int, rate: float) -> float:
        now = self._clock()
        if now >= self._ask_after:
            try:
                return self._reserve(size / rate)
            except RedisError as error:
                self._ask_after = now + REST_SECONDS
                logger.warning(
                    "Redis doesn’t say how fast content may go: a %dth of the limit is kept to. %s",
                    processes(), error,
                )  # fmt: skip
        return self._own.reserve(size)

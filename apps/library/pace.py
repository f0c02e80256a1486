"""How fast bytes are given away, over all web processes and everybody that they give them to.

Bytes are taken in portions: their turn is in Redis, so that the limit holds for all processes
together, and a process asks for it a few times a second at most. While Redis is away each process
keeps to the limit by itself.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import cast

import redis

from apps.common.redis import client
from apps.common.threads import in_thread

MOST = 4 << 20
_KEY = "fabric:content:pace"
#: Gives the seconds until a portion's turn; the next one's is after it. The clock is the server's.
_TURN = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1e6
local turn = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local after = turn + ARGV[1]
redis.call('SET', KEYS[1], string.format('%.6f', after), 'EX', math.ceil(after - now) + 1)
return tostring(turn - now)
"""
logger = logging.getLogger(__name__)


class OwnTurns:
    """Turns of this process alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0

    async def wait(self, seconds: float) -> float:
        """Seconds until a portion that takes `seconds` may go."""
        now = self._clock()
        turn = max(now, self._next)
        self._next = turn + seconds
        return turn - now


class SharedTurns:
    """Turns of all processes that ask the same Redis."""

    def __init__(self) -> None:
        self._own = OwnTurns()

    async def wait(self, seconds: float) -> float:
        own = await self._own.wait(seconds)
        try:
            return await in_thread(self._ask, seconds)
        except redis.RedisError as error:
            logger.warning("content is paced in this process only: %s", error)
            return own

    @staticmethod
    def _ask(seconds: float) -> float:
        # redis-py types an answer as one that may be awaited
        return float(cast(bytes, client().register_script(_TURN)([_KEY], [seconds])))


class Pace:
    """Waits so long that no more than `rate()` bytes a second are taken; 0 is no limit.

    Everybody takes in turn, so that many share what one alone would have.
    """

    def __init__(
        self,
        rate: Callable[[], float],
        turns: OwnTurns | SharedTurns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate, self._turns, self._sleep = rate, turns, sleep
        self._left = 0
        self._in_turn = asyncio.Lock()

    async def take(self, count: int) -> None:
        rate = self._rate()
        if not rate:
            return
        async with self._in_turn:
            if self._left < count:
                portion = max(count, min(MOST, int(rate / 4)))
                await self._sleep(await self._turns.wait(portion / rate))
                self._left += portion
            self._left -= count

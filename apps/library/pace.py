"""How fast a process gives bytes away, over everybody that it gives them to."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class Pace:
    """Waits so long that no more than `rate()` bytes a second are taken; 0 is no limit.

    Everybody takes in turn, so that many share what one alone would have.
    """

    def __init__(
        self,
        rate: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._next = 0.0

    async def take(self, count: int) -> None:
        rate = self._rate()
        if not rate:
            return
        now = self._clock()
        self._next = max(now, self._next) + count / rate
        await self._sleep(self._next - now)

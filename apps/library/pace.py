"""How fast a process gives bytes away, over everybody that it gives them to."""

import asyncio
import time
from collections.abc import Callable


class Pace:
    """Waits so long that no more than `rate()` bytes a second are taken; 0 is no limit.

    Everybody takes in turn, so that many share what one alone would have.
    """

    def __init__(self, rate: Callable[[], float]) -> None:
        self._rate = rate
        self._next = 0.0

    async def take(self, count: int) -> None:
        rate = self._rate()
        if not rate:
            return
        now = time.monotonic()
        begin = max(now, self._next)
        self._next = begin + count / rate
        if self._next > now:
            await asyncio.sleep(self._next - now)

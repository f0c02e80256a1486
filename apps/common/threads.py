"""Work that blocks, in threads beside the event loop; what it opened to the database is closed."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Runs `work` in a thread and gives its result.

    Whoever is cancelled meanwhile waits for its end: a file is never closed under a write.
    """

    def run() -> T:
        try:
            return work(*args, **named)
        finally:
            # These threads come and go with the loop, and nobody closes for them what they leave.
            connections.close_all()

    return await _to_its_end(asyncio.ensure_future(asyncio.to_thread(run)))


class OwnThread:
    """A thread for work that comes in many small parts: what one of them opened to the database
    is there for the next, and is closed at the end. Parts run in turn.
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, name)

    async def run(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """As `in_thread`."""
        loop = asyncio.get_running_loop()
        return await _to_its_end(loop.run_in_executor(self._pool, lambda: work(*args, **named)))

    async def __aenter__(self) -> "OwnThread":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self.run(connections.close_all)
        finally:
            self._pool.shutdown(wait=False)


async def _to_its_end(task: "asyncio.Future[Any]") -> Any:
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise

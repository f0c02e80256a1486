"""Work that blocks, in the event loop's own threads, which keep their database connections."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Runs `work` in a thread and gives its result.

    Whoever is cancelled meanwhile waits for its end: a file is never closed under a write.
    """

    def run() -> T:
        close_old_connections()
        try:
            return work(*args, **named)
        finally:
            close_old_connections()

    task = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise

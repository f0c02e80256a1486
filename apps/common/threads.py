"""Work that blocks, in the event loop's own threads; what it opened to the database is closed."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

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

    task = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise

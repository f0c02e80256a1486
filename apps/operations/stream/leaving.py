"""A server that has to stop waits for open answers, and a stream doesn't end by itself."""

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Any


def when_told_to_stop(leave: Callable[[], None]) -> None:
    """Calls `leave` in this event loop at SIGTERM or SIGINT, beside what the server does then.

    The server's own handlers are in place before it serves: they are wrapped at the first stream.
    Outside of the main thread there are no signals: who runs a server there ends it by other means.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def handle(signum: int, frame: Any, before: Any = before) -> None:
            loop.call_soon_threadsafe(leave)
            if callable(before):
                before(signum, frame)

        signal.signal(number, handle)

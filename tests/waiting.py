"""Waiting for something to become true in another process or thread."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(probe: Callable[[], T], what: str, seconds: float = 10) -> T:
    """The first true answer of `probe`; fails naming `what` when none came in time."""
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:g} s")
        time.sleep(0.01)
    return found

"""Who works: each worker says so in Redis every ten seconds, and is believed for thirty."""

import contextlib
import threading

from redis.exceptions import RedisError

from apps.common.redis import client

EVERY_SECONDS = 10
BELIEVED_SECONDS = 30
PREFIX = "fabric:worker:"


def say(name: str) -> None:
    client().set(PREFIX + name, "1", ex=BELIEVED_SECONDS)


def keep_saying(name: str) -> threading.Event:
    """Says it from a thread of its own until the event that is given back is set."""
    stop = threading.Event()

    def run() -> None:
        while True:
            # Without Redis it is said again in ten seconds; until then it rightly counts as lost.
            with contextlib.suppress(RedisError):
                say(name)
            if stop.wait(EVERY_SECONDS):
                client().delete(PREFIX + name)
                return

    threading.Thread(target=run, name="heartbeat", daemon=True).start()
    return stop


def workers() -> list[str]:
    """The names of the workers that were heard lately."""
    found = client().scan_iter(match=PREFIX + "*", count=100)
    return sorted(key.decode().removeprefix(PREFIX) for key in found)

"""Who works and who serves: each process says so in Redis every ten seconds, and is believed for
thirty.
"""

import contextlib
import threading

from redis.exceptions import RedisError

from apps.common.redis import client

EVERY_SECONDS = 10
BELIEVED_SECONDS = 30
WORKER, WEB = "fabric:worker:", "fabric:web:"
_last: dict[str, int] = {}


def say(name: str, kind: str = WORKER) -> None:
    client().set(kind + name, "1", ex=BELIEVED_SECONDS)


def keep_saying(name: str, kind: str = WORKER) -> threading.Event:
    """Says it from a thread of its own until the event that is given back is set."""
    stop = threading.Event()

    def run() -> None:
        while True:
            # Without Redis it is said again in ten seconds; until then it rightly counts as lost.
            with contextlib.suppress(RedisError):
                say(name, kind)
                _last[kind] = len(heard(kind))
            if stop.wait(EVERY_SECONDS):
                with contextlib.suppress(RedisError):  # what was said ends by itself
                    client().delete(kind + name)
                return

    threading.Thread(target=run, name="heartbeat", daemon=True).start()
    return stop


def heard(kind: str) -> list[str]:
    """The names of those of a kind that were heard lately."""
    found = client().scan_iter(match=kind + "*", count=100)
    return sorted(key.decode().removeprefix(kind) for key in found)


def workers() -> list[str]:
    return heard(WORKER)


def last_heard(kind: str) -> int:
    """How many there were when Redis was last heard by who keeps saying it here; 0: it never was.
    Asks nobody.
    """
    return _last.get(kind, 0)

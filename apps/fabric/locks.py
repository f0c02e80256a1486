"""One reading of a cluster at a time, over all processes."""

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from redis.exceptions import LockError, RedisError

from apps.common.redis import client

#: A lock whose holder died is free again after this; a living holder renews it in time.
LEASE_SECONDS = 15
RENEW_SECONDS = 5


class Busy(Exception):
    """Another reading of the cluster is under way."""


@contextmanager
def reading(cluster_id: UUID, *, wait_seconds: float = 0) -> Iterator[None]:
    """Holds a cluster's reading. Raises Busy when it isn't free within `wait_seconds`."""
    lock = client().lock(
        f"fabric:reading:{cluster_id}", timeout=LEASE_SECONDS, sleep=0.05, thread_local=False
    )
    if not lock.acquire(blocking=wait_seconds > 0, blocking_timeout=wait_seconds or None):
        raise Busy
    over = threading.Event()

    def renew() -> None:
        while not over.wait(RENEW_SECONDS):
            try:
                lock.reacquire()
            except LockError:
                return  # it lapsed while this process was held up; nothing is left to renew
            except RedisError:
                continue  # Redis is away; the lock may still be there when it is back

    keeper = threading.Thread(target=renew, name="inventory-lock", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()
        with contextlib.suppress(RedisError):  # lapsed: somebody else may hold it by now
            lock.release()

"""Failed sign-ins are counted by user and address; too many in five minutes, and one waits."""

import hashlib

from apps.common.errors import RateLimited
from apps.common.redis import client

FAILURES = 10
WINDOW_SECONDS = 300


def _key(username: str, address: str) -> str:
    digest = hashlib.sha256(f"{username.lower()}\n{address}".encode("utf-8", "replace"))
    return f"fabric:sign-in:{digest.hexdigest()[:32]}"


def refuse_if_too_many(username: str, address: str) -> None:
    """Raises RateLimited with the seconds to wait."""
    key = _key(username, address)
    count = client().get(key)
    if count is not None and int(count) >= FAILURES:
        wait = max(1, client().ttl(key))
        raise RateLimited(
            f"There were {FAILURES} failed sign-ins. Try again in {wait} seconds.", retry_after=wait
        )


def failed(username: str, address: str) -> None:
    """Counts a failure; the window begins with the first one."""
    key = _key(username, address)
    with client().pipeline() as together:
        together.set(key, 0, ex=WINDOW_SECONDS, nx=True)
        together.incr(key)
        together.execute()


def succeeded(username: str, address: str) -> None:
    client().delete(_key(username, address))

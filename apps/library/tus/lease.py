"""One writer an upload: a lease in Redis, so that it holds over all web processes."""

import secrets
import time
from uuid import UUID

from apps.common.redis import client

#: A writer that says nothing for this long has lost its place.
SECONDS = 10
RENEW_AFTER = 2.5
_IF_OURS = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call({}) end return 0"
_EXTEND = _IF_OURS.format("'expire', KEYS[1], ARGV[2]")
_END = _IF_OURS.format("'del', KEYS[1]")


def key_of(upload_id: UUID) -> str:
    return f"fabric:library:writer:{upload_id}"


class Lease:
    """The right to write to an upload; blocking calls, for threads."""

    def __init__(self, upload_id: UUID) -> None:
        self._key = key_of(upload_id)
        self._token = secrets.token_hex(16)
        self._renewed_at = 0.0

    def take(self) -> bool:
        self._renewed_at = time.monotonic()
        return bool(client().set(self._key, self._token, nx=True, ex=SECONDS))

    def keep(self) -> bool:
        """Whether it is still ours; extended every few seconds."""
        if time.monotonic() - self._renewed_at < RENEW_AFTER:
            return True
        self._renewed_at = time.monotonic()
        return bool(client().eval(_EXTEND, 1, self._key, self._token, SECONDS))

    def end(self) -> None:
        client().eval(_END, 1, self._key, self._token)

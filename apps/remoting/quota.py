"""How many sessions the portal holds on a host, counted over all of its processes.

Windows grants a user 30 shells on a host; whoever takes them all locks the administrators' own
tools out. The count is a lease in Redis for each session, renewed while its process lives.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Protocol, cast

import redis

from apps.remoting.endpoint import Endpoint

LEASE_SECONDS = 60.0
_RENEW_EVERY = 20.0
_TAKE = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1e6
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local held = redis.call('ZCARD', KEYS[1])
if held >= tonumber(ARGV[2]) then return -1 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('EXPIRE', KEYS[1], math.ceil(ARGV[3]))
return held + 1
"""
_RENEW = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1e6
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + ARGV[1], ARGV[i + 1])
  redis.call('EXPIRE', key, math.ceil(ARGV[1]))
end
"""
logger = logging.getLogger(__name__)


class Quota(Protocol):
    """Who may open one more session on a host."""

    limit: int

    def take(self, endpoint: Endpoint, session_id: str) -> int:
        """Counts a session in: how many there are with it, 0 when there is no room."""

    def release(self, endpoint: Endpoint, session_id: str) -> None:
        """Counts it out; fine for one that isn't counted."""

    def held(self) -> int:
        """How many sessions this process counts in, on all hosts together."""

    def forget(self) -> None:
        """In a forked child: what is held is the parent's."""

    def close(self) -> None:
        """Renews nothing until a session is counted in again."""


class ProcessQuota:
    """Counts this process's sessions only: for a program that runs without Redis."""

    def __init__(self, limit: int = 10) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._held: dict[str, set[str]] = {}

    def take(self, endpoint: Endpoint, session_id: str) -> int:
        with self._lock:
            held = self._held.setdefault(key_of(endpoint), set())
            if len(held) >= self.limit:
                return 0
            held.add(session_id)
            return len(held)

    def release(self, endpoint: Endpoint, session_id: str) -> None:
        with self._lock:
            self._held.get(key_of(endpoint), set()).discard(session_id)

    def held(self) -> int:
        with self._lock:
            return sum(map(len, self._held.values()))

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._held = {}

    def close(self) -> None:
        """Nothing is renewed here."""


class SharedQuota:
    """Counts the sessions of every process that asks the same Redis.

    When Redis doesn't answer, this process's own count decides: the host's quota is a courtesy
    to its administrators, not a security boundary, and hosts must stay reachable.
    """

    def __init__(self, client: Callable[[], redis.Redis], limit: int) -> None:
        self.limit = limit
        self._client = client
        self._own = ProcessQuota(limit)
        self._held: dict[str, str] = {}
        self._lock = threading.Lock()
        self._renewer: threading.Thread | None = None
        self._is_over = threading.Event()

    def take(self, endpoint: Endpoint, session_id: str) -> int:
        own = self._own.take(endpoint, session_id)
        if not own:
            return 0
        key = key_of(endpoint)
        try:
            # redis-py types an answer as one that may be awaited
            take = self._client().register_script(_TAKE)
            count = cast(int, take([key], [session_id, self.limit, LEASE_SECONDS]))
        except redis.RedisError as error:
            logger.warning("sessions are counted for this process only: %s", error)
            count = own
        if count < 0:
            self._own.release(endpoint, session_id)
            return 0
        with self._lock:
            self._held[session_id] = key
            if self._renewer is None:
                self._renewer = threading.Thread(
                    target=self._keep_renewing,
                    args=(self._is_over,),
                    name="session-leases",
                    daemon=True,
                )
                self._renewer.start()
        return count

    def release(self, endpoint: Endpoint, session_id: str) -> None:
        self._own.release(endpoint, session_id)
        with self._lock:
            key = self._held.pop(session_id, "")
        if key:
            with contextlib.suppress(redis.RedisError):  # the lease ends by itself
                self._client().zrem(key, session_id)

    def held(self) -> int:
        return self._own.held()

    def forget(self) -> None:
        self._own.forget()
        self._lock = threading.Lock()
        self._held = {}
        self._renewer = None
        self._is_over = threading.Event()

    def close(self) -> None:
        with self._lock:
            self._is_over.set()
            self._renewer, self._is_over = None, threading.Event()

    def _keep_renewing(self, is_over: threading.Event) -> None:
        while not is_over.wait(_RENEW_EVERY):
            with self._lock:
                held = dict(self._held)
            if not held:
                continue
            try:
                renew = self._client().register_script(_RENEW)
                renew(list(held.values()), [LEASE_SECONDS, *held])
            except redis.RedisError as error:
                logger.warning("session leases were not renewed: %s", error)


def key_of(endpoint: Endpoint) -> str:
    """The host and the user: that is whom Windows counts."""
    return f"fabric:sessions:{endpoint.address}:{endpoint.port}:{endpoint.username}".lower()

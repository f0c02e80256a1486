"""Sessions kept between calls, in one process. A session is checked out by one thread at a time."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable

from apps.remoting.endpoint import Endpoint
from apps.remoting.sessions import Session, ShellSession

KEPT_PER_HOST = 2  # of the 30 shells that Windows grants a user, over all workers
MAX_CALLS = 500
MAX_AGE = 1800.0  # seconds; a shell's memory on the host only grows
MAX_IDLE = 600.0
_SWEEP_EVERY = 30.0
_EXIT_BUDGET = 5.0


class Pool:
    """Gives a session for an endpoint, kept or new, and takes it back."""

    def __init__(self, make: Callable[[Endpoint], Session] = ShellSession) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._idle: dict[Endpoint, list[Session]] = {}
        self._swept = time.monotonic()

    def take(self, endpoint: Endpoint, *, fresh: bool = False) -> Session:
        """The session used last (its connection is the warmest), or a new one, not yet open."""
        with self._lock:
            kept = self._idle.get(endpoint, [])
            while kept and not fresh:
                session = kept.pop()
                if not _is_worn(session):
                    return session
        return self._make(endpoint)

    def give_back(self, session: Session) -> None:
        """Keeps a sound session; closes one that is worn, and those idle for too long."""
        surplus: list[Session] = []
        with self._lock:
            kept = self._idle.setdefault(session.endpoint, [])
            if session.is_sound and not _is_worn(session) and len(kept) < KEPT_PER_HOST:
                kept.append(session)
            else:
                surplus.append(session)
            surplus += self._expired()
        for session in surplus:
            session.close()

    def close(self, budget: float = _EXIT_BUDGET) -> None:
        """Deletes the shells of all kept sessions, as many as `budget` seconds allow."""
        until = time.monotonic() + budget
        with self._lock:
            sessions = [session for kept in self._idle.values() for session in kept]
            self._idle.clear()
        for session in sessions:
            if time.monotonic() > until:
                break  # the hosts end the rest after their idle time-out
            session.close()

    def forget(self) -> None:
        """In a forked child: the connections are the parent's and must not be touched."""
        self._lock = threading.Lock()
        self._idle = {}

    def _expired(self) -> list[Session]:
        now = time.monotonic()
        if now - self._swept < _SWEEP_EVERY:
            return []
        self._swept = now
        expired = []
        for endpoint, kept in list(self._idle.items()):
            expired += [session for session in kept if _is_worn(session)]
            self._idle[endpoint] = [session for session in kept if not _is_worn(session)]
            if not self._idle[endpoint]:
                del self._idle[endpoint]
        return expired


def _is_worn(session: Session) -> bool:
    now = time.monotonic()
    return (
        session.calls >= MAX_CALLS
        or now - session.created > MAX_AGE
        or now - session.used > MAX_IDLE
    )


POOL = Pool()
atexit.register(POOL.close)
os.register_at_fork(after_in_child=POOL.forget)

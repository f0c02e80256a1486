"""Sessions kept between calls, in one process. A session is checked out by one thread at a time."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable

from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import Busy, RemotingError, Stopped, Unreachable
from apps.remoting.quota import ProcessQuota, Quota, key_of
from apps.remoting.sessions import Session

KEPT_PER_HOST = 2
MOST_LEFT = 10  # shells remembered for deletion, a host
MAX_CALLS = 500
MAX_AGE = 1800.0  # seconds
MAX_IDLE = 600.0
MAX_MEMORY = 512 * 1024 * 1024  # of the 1 or 2 GiB that Windows grants a shell
_SWEEP_EVERY = 30.0
_EXIT_BUDGET = 5.0
_ASK_AGAIN = 0.2


class Pool:
    """Gives a session for an endpoint, kept or new, and takes it back."""

    def __init__(
        self, make: Callable[[Endpoint], Session] = Session, quota: Quota | None = None
    ) -> None:
        self.quota = quota or ProcessQuota()
        self._make = make
        self._lock = threading.Lock()
        self._idle: dict[Endpoint, list[Session]] = {}
        self._crowded: set[str] = set()  # ids of sessions that are too many to be kept
        self._left: dict[str, list[str]] = {}  # shells that hosts didn't hear to delete
        self._swept = time.monotonic()

    def take(
        self,
        endpoint: Endpoint,
        *,
        fresh: bool = False,
        until: float | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> Session:
        """The session used last (its connection is the warmest), or a new one, not yet open.

        When the host's quota is used up, waits for a session to come free: until then
        (time.monotonic()) raises Busy, and Stopped as soon as the caller wants to stop.
        """
        while True:
            session = None if fresh else self._kept(endpoint)
            session = session or self._new(endpoint)
            if session is not None:
                return session
            if should_stop is not None and should_stop():
                raise Stopped(f"The call to {endpoint.label} was stopped before it began.")
            if until is None or time.monotonic() + _ASK_AGAIN > until:
                raise Busy(
                    f"All {self.quota.limit} sessions that the portal may have on"
                    f" {endpoint.label} are in use.",
                    hint="Wait until other work on this host has ended, then try again."
                    " FABRIC_HOST_SESSIONS sets how many there may be.",
                )
            time.sleep(_ASK_AGAIN)  # other processes don't tell when they let go

    def give_back(self, session: Session) -> None:
        """Keeps a sound session; closes one that is worn, and those idle for too long."""
        self._tidy(session)
        surplus: list[Session] = []
        with self._lock:
            kept = self._idle.setdefault(session.endpoint, [])
            has_room = len(kept) < KEPT_PER_HOST and session.id not in self._crowded
            if session.is_sound and has_room and not _is_worn(session):
                kept.append(session)
            else:
                surplus.append(session)
            surplus += self._expired()
        for worn in surplus:
            self.end(worn)

    def end(self, session: Session, *, is_gone: bool = False) -> None:
        """Ends a session for good; `is_gone`: without a word to a host that doesn't answer."""
        try:
            left = session.drop() if is_gone else session.stop()
            self._leave(session.endpoint, [left] if left else [])
        finally:
            self.quota.release(session.endpoint, session.id)
            self._crowded.discard(session.id)

    def _tidy(self, session: Session) -> None:
        """The host answers: what it was to delete while it didn't is deleted now. Its own idle
        time-out would take a quarter of an hour, and shells are few."""
        if not session.is_sound:
            return
        with self._lock:
            left = self._left.pop(key_of(session.endpoint), [])
        while left and session.is_sound:
            try:
                session.delete(left[-1])
            except RemotingError as problem:
                # a fault says that it was gone already; anything else, that this line is broken
                session.is_sound = isinstance(problem, Unreachable) and problem.fault != 0
            if session.is_sound:
                left.pop()
        self._leave(session.endpoint, left)

    def _leave(self, endpoint: Endpoint, shells: list[str]) -> None:
        if shells:
            with self._lock:
                kept = self._left.setdefault(key_of(endpoint), [])
                kept += shells
                del kept[:-MOST_LEFT]

    def close(self, budget: float = _EXIT_BUDGET) -> None:
        """Deletes the shells of all kept sessions, as many as `budget` seconds allow."""
        self.close_idle(budget)
        self.quota.close()

    def close_idle(self, budget: float = _EXIT_BUDGET) -> None:
        """The same for a pool whose quota others go on with."""
        until = time.monotonic() + budget
        with self._lock:
            sessions = [session for kept in self._idle.values() for session in kept]
            self._idle.clear()
        for session in sessions:
            # the hosts end the rest after their idle time-out
            self.end(session, is_gone=time.monotonic() > until)

    def forget(self) -> None:
        """In a forked child: the connections are the parent's and must not be touched."""
        self._lock = threading.Lock()
        self._idle = {}
        self._crowded = set()
        self._left = {}
        self.quota.forget()

    def _kept(self, endpoint: Endpoint) -> Session | None:
        worn: list[Session] = []
        found = None
        with self._lock:
            kept = self._idle.get(endpoint, [])
            while kept and found is None:
                session = kept.pop()
                if _is_worn(session):
                    worn.append(session)
                else:
                    found = session
        for session in worn:
            self.end(session)
        return found

    def _new(self, endpoint: Endpoint) -> Session | None:
        session = self._make(endpoint)
        count = self.quota.take(endpoint, session.id)
        if not count:
            return None
        if count > self.quota.limit // 2:  # idle ones never fill what active ones need
            self._crowded.add(session.id)
        return session

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
        or session.memory > MAX_MEMORY
        or now - session.created > MAX_AGE
        or now - session.used > MAX_IDLE
    )


POOL = Pool()
atexit.register(POOL.close)
os.register_at_fork(after_in_child=POOL.forget)

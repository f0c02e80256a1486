"""Runs a script on a host and gives its answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from apps.remoting import frames
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import RemotingError
from apps.remoting.outcome import Job
from apps.remoting.pool import POOL, Pool
from apps.remoting.scripts import Script
from apps.remoting.sessions import Session, gone


def call(
    endpoint: Endpoint,
    script: Script,
    parameters: Mapping[str, Any] | None = None,
    *,
    timeout: float = 60,
    on_progress: Callable[[dict[str, Any]], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    pool: Pool = POOL,
) -> Any:
    """The one JSON document that a script answers with.

    `parameters` by the names of the script's param() block, JSON values only. `timeout` in
    seconds covers everything from the connection on. `on_progress` gets each progress object as
    it comes; `should_stop` is asked every two seconds at least. Whatever ends the call early, an
    exception of theirs included, terminates the script.

    Raises a RemotingError: Unreachable, SignInRefused, TimedOut, ScriptRefused, ScriptCrashed,
    BadReply, TooLarge, Stopped. Raises TypeError for a parameter that JSON doesn't have.
    """
    payload = frames.request(script.text, parameters or {})
    until = time.monotonic() + timeout
    job = Job(script, payload, until, timeout, on_progress, should_stop)
    session = pool.take(endpoint)
    try:
        return _run(pool, session, job)
    except RemotingError:
        # A kept session may have gone stale: its shell deleted, its connection closed or its
        # keys out of step. Nothing has run yet then, and a new one tells whether it was that.
        if session.calls == 0 or session.has_started or job.remaining <= 0:
            raise
        return _run(pool, pool.take(endpoint, fresh=True), job)


def _run(pool: Pool, session: Session, job: Job) -> Any:
    """One attempt. A session that a call leaves in doubt is ended, never kept."""
    problem: BaseException | None = None
    try:
        return session.call(job)
    except BaseException as error:
        problem = error
        raise
    finally:
        if session.is_sound:
            pool.give_back(session)
        elif problem is not None and gone(problem):
            session.drop()
        else:
            session.stop()

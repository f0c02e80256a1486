"""Runs a script on a host and gives its answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from apps.remoting import frames
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import BadReply, RemotingError, ScriptCrashed, Unreachable
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
    quiet: float = math.inf,
    on_progress: Callable[[dict[str, Any]], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    pool: Pool = POOL,
) -> Any:
    """The one JSON document that a script answers with; a name that it lacks raises BadReply.

    `parameters` by the names of the script's param() block, JSON values only. `timeout` in
    seconds covers everything from the connection on; a script that says how far it is may be given
    long, and `quiet`, seconds without a word after which it counts as hanging. `on_progress` gets
    each progress object as it comes; `should_stop` is asked every two seconds at least. Whatever
    ends the call early, an exception of theirs included, terminates the script.

    Raises a RemotingError: Unreachable, SignInRefused, TimedOut, ScriptRefused, ScriptCrashed,
    BadReply, TooLarge, Stopped, Busy. Raises TypeError for a parameter that JSON doesn't have.
    """
    sent = frames.parameters_line(parameters or {})
    until = time.monotonic() + timeout
    job = Job(script, sent, until, timeout, on_progress, should_stop, quiet)
    session = pool.take(endpoint, until=job.until, should_stop=should_stop)
    was_kept = session.calls > 0
    try:
        return _run(pool, session, job)
    except RemotingError as problem:
        # A kept session may have gone stale: its shell deleted, its connection closed or its
        # keys out of step, its PowerShell ended. A new one tells whether it was that.
        if not was_kept or not _may_repeat(session, job, problem):
            raise
    fresh = pool.take(endpoint, fresh=True, until=job.until, should_stop=should_stop)
    return _run(pool, fresh, job)


def _may_repeat(session: Session, job: Job, problem: RemotingError) -> bool:
    """Whether a broken session may be replaced unnoticed: nothing is run twice that changes."""
    if job.remaining <= 0:
        return False
    if not session.has_started:
        return True
    is_broken = isinstance(problem, Unreachable | ScriptCrashed | BadReply)
    return job.is_repeatable and is_broken


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
        else:
            pool.end(session, is_gone=problem is not None and gone(problem))

"""Asking a host again that doesn't answer: its line is cut, or it restarts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from apps.operations.context import Context
from apps.remoting import Endpoint, answers
from apps.remoting.errors import Busy, RemotingError, TimedOut, Unreachable

#: A silent host is asked again after so long, doubled up to the second (seconds).
AGAIN_SOON, AGAIN_LATER = 0.5, 60.0
#: How long a host may be silent once the operation has done something there.
SILENCE = 2 * 3600.0
#: … before that, and where it answers with something else than what it was asked for.
BRIEF_SILENCE = 20.0
#: How often a wait looks for a cancel (seconds).
LOOK_EVERY = 0.5
T = TypeVar("T")


def has_done_something(ctx: Context) -> bool:
    """Whether any step has ended well: giving up would waste it. Before, a person is told soon."""
    return any(step["status"] == "succeeded" for step in ctx.operation.steps)


def while_cut_off(ctx: Context, endpoint: Endpoint) -> Callable[[RemotingError], float]:
    """For how long errors of a script that may be asked for again are put up with, once something
    was done: as long as the host can't be reached. One that hangs there is no matter of the line.
    """

    def seconds(error: RemotingError) -> float:
        if not has_done_something(ctx):
            return 0.0
        is_cut = isinstance(error, Unreachable | Busy) or (
            isinstance(error, TimedOut) and not answers(endpoint)
        )
        return SILENCE if is_cut else 0.0

    return seconds


def ask(
    ctx: Context,
    host: str,
    question: Callable[[], T],
    *,
    allowed: Callable[[RemotingError], float],
    wait: Callable[[float], None] | None = None,
    percent: int = 0,
) -> T:
    """The answer to a question that may be asked twice; the step says that it waits for the host.

    `allowed` says for how many seconds such an error is put up with, 0 for none: then it is raised.
    `wait` waits so many seconds, or raises; without it a cancel is looked for. `host` is what
    people call it.
    """
    silent_since, pause = 0.0, AGAIN_SOON
    while True:
        try:
            answer = question()
        except RemotingError as error:
            now = time.monotonic()
            limit = allowed(error)
            if not limit or (silent_since and now - silent_since >= limit):
                raise
            if not silent_since:
                silent_since = now
                ctx.log(f"{host} doesn’t answer: {error.message}")
            ctx.progress(percent, f"{host} doesn’t answer; it is asked again")
            wait(pause) if wait is not None else pass_time(ctx, pause)
            pause = min(pause * 2, AGAIN_LATER)
        else:
            if silent_since:
                ctx.log(f"{host} answers again.")
            return answer


def pass_time(ctx: Context, seconds: float) -> None:
    """Waits, but not for an operation that somebody cancelled: raises Cancelled then."""
    until = time.monotonic() + seconds
    while True:
        if ctx.should_stop():
            ctx.check_cancelled()
        left = until - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, LOOK_EVERY))

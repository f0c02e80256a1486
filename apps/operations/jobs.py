"""Scripts that take long: jobs of the host's own, which operations start, follow and take up again.

A job's id comes from its operation, so that a worker that takes over finds it, and asking for it
twice starts it once. What is known of an operation's jobs is remembered with it, under "jobs" by
their ids: {"script", "host", "state", "offset", "result"}. Scripts are safe to run again: one whose
process was lost is begun anew and looks at what is there.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from apps.operations import patience
from apps.operations.choices import ACTIVE
from apps.operations.context import Context
from apps.operations.errors import Cancelled
from apps.operations.models import Operation
from apps.remoting import Endpoint, RemotingError, Script, documents, outcome
from apps.remoting import jobs as host_jobs
from apps.remoting.errors import (
    Busy,
    JobLost,
    ScriptRefused,
    SignInRefused,
    Stopped,
    TimedOut,
    Unreachable,
)
from apps.remoting.jobs import JobStatus

#: A job is looked at soon in the beginning, as small files take no time, then less often (seconds).
LOOK_SOON, LOOK_LATER = 0.2, 2.0
#: How often a script is begun whose process is lost each time.
STARTS = 3
#: A larger result isn't remembered (bytes of JSON): whoever takes over has the script run again.
LARGEST_KEPT = 64 * 1024
BEGUN, KEPT, DONE = "begun", "kept", "done"
T = TypeVar("T")


def run(
    ctx: Context,
    endpoint: Endpoint,
    script: Script,
    parameters: Mapping[str, Any],
    *,
    seconds: float,
    key: str = "",
    shown: Mapping[str, Any] | None = None,
) -> Any:
    """Runs a script as a job on a host to its end and gives its one document.

    `seconds` is how long it may take. `key` tells an operation's jobs of one script apart. `shown`
    are the parameters as people may see them, where a value is secret by itself. A host that
    doesn't answer is asked again, and the step says so; the job goes on meanwhile.

    Raises what `remoting.call` raises: ScriptRefused with the host's words, TimedOut, Unreachable
    once the host was silent for too long; JobLost; Cancelled, the job being stopped then.
    """
    job = _Job(ctx, endpoint, script, parameters, seconds, key)
    ctx.check_cancelled()
    if "result" in job.known:  # an earlier worker came to its end
        job.tidy()
        return job.document(job.known["result"])
    end_left(ctx, endpoint)
    ctx.record_script(script, parameters if shown is None else shown)
    status = job.follow(job.begin())
    if status.state == "failed":
        job.note(KEPT)
        job.tidy()
        raise outcome.refused(endpoint, script, dict(status.error or {}))
    job.keep(status.result)
    job.tidy()
    return job.document(status.result)


def end_left(ctx: Context, endpoint: Endpoint) -> None:
    """Stops and removes on a host what ended operations on the same target have left there."""
    mine = ctx.operation
    ended = (
        Operation.objects.filter(target_kind=mine.target_kind, target_id=mine.target_id)
        .filter(result__has_key="jobs")
        .exclude(pk=mine.pk)
        .exclude(status__in=ACTIVE)
    )
    rows: Iterable[tuple[Any, Any]] = ended.values_list("pk", "result")
    for key, result in rows:
        left = {
            job: {**note, "state": DONE}
            for job, note in result["jobs"].items()
            if note["state"] != DONE and note["host"] == endpoint.label
        }
        for job, note in left.items():
            host_jobs.stop_job(endpoint, job)
            host_jobs.remove_job(endpoint, job)
            ctx.log(f"{note['script']} of an earlier try was ended on {endpoint.label}.")
        if left:
            result["jobs"] |= left
            Operation.objects.filter(pk=key).update(result=result)


class _Job:
    """One script of one operation on one host."""

    def __init__(
        self, ctx: Context, endpoint: Endpoint, script: Script, parameters: Mapping[str, Any],
        seconds: float, key: str,
    ) -> None:  # fmt: skip
        self.ctx, self.endpoint, self.script, self.parameters = ctx, endpoint, script, parameters
        self.seconds = seconds
        self.id = uuid.uuid5(ctx.operation.pk, key or script.name)
        self.percent, self.began, self.starts = 0, time.monotonic(), 0
        self.is_there = self.known.get("state") == BEGUN

    # ---- what is remembered
    @property
    def known(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ctx.recall("jobs", {}).get(str(self.id), {})
        return found if found.get("host") == self.endpoint.label else {}

    def note(self, state: str, **more: Any) -> None:
        own = {"script": self.script.name, "host": self.endpoint.label, "offset": 0}
        own |= {**self.known, "state": state, **more}
        self.ctx.remember(jobs={**self.ctx.recall("jobs", {}), str(self.id): own})

    def keep(self, result: Any) -> None:
        """From now on the result is known, whatever becomes of the job's folder."""
        is_small = len(json.dumps(result)) <= LARGEST_KEPT
        self.note(KEPT, **({"result": result} if is_small else {}))

    def document(self, result: Any) -> Any:
        """A result as scripts' answers are: BadReply for whoever reads what it lacks."""
        whose = f"{self.script.name} on {self.endpoint.label}"
        told = json.loads(json.dumps(result), object_hook=documents.of(whose))
        return documents.checked(told, whose, self.script)

    # ---- what the host is asked
    def begin(self) -> JobStatus:
        """Starts it, or finds it. One that a lost worker left failed is tried once more: what it
        was given, an address say, may have ended with that worker."""
        is_found = self.is_there
        status = self.start()
        if is_found and status.state == "failed" and not _is_lost(status):
            self.remove()
            status = self.start()
        return status

    def start(self) -> JobStatus:
        self.starts += 1
        self.note(BEGUN)  # before it is asked for: the answer may get lost
        status = self.ask(
            lambda: host_jobs.start_job(
                self.endpoint, self.id, self.script, self.parameters, self.known["offset"]
            )
        )
        self.is_there = True
        self.tell(status)
        return status

    def follow(self, status: JobStatus) -> JobStatus:
        """To its end: succeeded or failed by its own word."""
        pause = LOOK_SOON
        while status.state not in ("succeeded", "failed") or _is_lost(status):
            if status.state == "running":
                self.percent = status.percent
                self.ctx.progress(status.percent, status.message)
                self.end_if_too_long()
                self.wait(pause)
                pause = min(pause * 1.5, LOOK_LATER)
                status = self.ask(
                    lambda: host_jobs.read_job(self.endpoint, self.id, self.known["offset"])
                )
                self.tell(status)
            else:
                status = self.again(status)
                pause = LOOK_SOON
        return status

    def again(self, status: JobStatus) -> JobStatus:
        """Its process or its folder is gone without a word: the script finds out what is done."""
        label, what = self.endpoint.label, "process" if status.state == "failed" else "folder"
        if self.starts >= STARTS:
            self.remove()
            self.note(DONE)
            raise JobLost(
                f"{label} has lost the {what} of {self.script.name} {STARTS} times.",
                hint="See whether the host restarts, or whether something on it ends processes"
                " of PowerShell; then retry.",
            )
        self.ctx.log(f"{label} has lost the {what} of {self.script.name}; it is begun again.")
        self.remove()
        self.note(BEGUN, offset=0)
        return self.start()

    def tell(self, status: JobStatus) -> None:
        self.ctx.transcript(status.transcript)
        if status.transcript:
            self.note(BEGUN, offset=status.next_offset)

    def remove(self) -> None:
        self.ask(lambda: host_jobs.remove_job(self.endpoint, self.id))

    def tidy(self) -> None:
        """Takes its folder away. Where that can't be done now, a later operation does it."""
        if self.known.get("state") == DONE:
            return
        try:
            host_jobs.remove_job(self.endpoint, self.id)
        except RemotingError as error:
            self.ctx.log(f"The job’s folder stays for now: {error.message}")
        else:
            self.note(DONE)

    # ---- waiting
    def ask(self, question: Callable[[], T]) -> T:
        """An answer of the host, which is asked again for as long as it may come back."""
        try:
            return patience.ask(
                self.ctx, self.endpoint.label, question,
                allowed=self.silence, wait=self.wait, percent=self.percent,
            )  # fmt: skip
        except ScriptRefused:
            if not self.is_there:
                self.note(DONE)  # the host said itself that nothing was begun
            raise
        except RemotingError as error:
            error.hint += " If it was begun there, it goes on; the next try ends it first."
            raise

    def silence(self, error: RemotingError) -> float:
        """For how long such an answer, or none, is put up with (seconds)."""
        if isinstance(error, SignInRefused | Stopped):
            return 0.0  # a wrong password that is tried again and again locks the account
        if isinstance(error, ScriptRefused) and not self.is_there:
            return 0.0
        is_silent = isinstance(error, Unreachable | TimedOut | Busy)
        is_worth = self.is_there or patience.has_done_something(self.ctx)
        return patience.SILENCE if is_silent and is_worth else patience.BRIEF_SILENCE

    def wait(self, seconds: float) -> None:
        """Until the host is asked again. A cancel ends the job."""
        try:
            patience.pass_time(self.ctx, seconds)
        except Cancelled:
            self.stop()
            raise

    def end_if_too_long(self) -> None:
        if time.monotonic() - self.began <= self.limit:
            return
        self.stop()
        raise TimedOut(
            f"{self.script.name} hasn’t ended on {self.endpoint.label} within "
            f"{self.limit / 3600:g} hours; it was stopped.",
            hint="See what it waits for on the host, then retry.",
        )

    @property
    def limit(self) -> float:
        return self.seconds

    def stop(self) -> None:
        """Ends its process. A host that can't be told now is told by a later operation."""
        try:
            host_jobs.stop_job(self.endpoint, self.id)
            host_jobs.remove_job(self.endpoint, self.id)
        except RemotingError as error:
            self.ctx.log(f"The job couldn’t be stopped: {error.message}")
        else:
            self.note(DONE)


def _is_lost(status: JobStatus) -> bool:
    """Whether nobody says any more how it ended."""
    if status.state == "failed":
        return (status.error or {}).get("error_id") == "JobProcessEnded"
    return status.state == "gone"

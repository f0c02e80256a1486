"""A way into one host: a PowerShell that takes one call after the other.

It is kept warm between calls, so that a call costs one Send and one Receive and no start of
PowerShell. Where the endpoint wants it, each call gets a PowerShell of its own instead.
"""

from __future__ import annotations

import base64
import functools
import time
import uuid
from collections.abc import Iterator

from apps.remoting import frames, scripts
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import RemotingError, Stopped, TimedOut, Unreachable
from apps.remoting.outcome import Job, Outcome
from apps.remoting.shell import Shell

SEND_BYTES = 100_000  # in base64, with its envelope, below Windows' MaxEnvelopeSize of 150 kB


@functools.cache
def bootstrap_arguments() -> tuple[str, ...]:
    """The arguments of powershell.exe; far below what cmd.exe takes in a line."""
    text = scripts.load("remoting", "Enter-PortalSession").text
    encoded = base64.b64encode(text.encode("utf-16-le")).decode()
    flags = ("-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-OutputFormat", "Text")
    return (*flags, "-EncodedCommand", encoded)


@functools.cache
def loop_line() -> bytes:
    """The first line of a new PowerShell's standard input."""
    return frames.encoded(scripts.load("remoting", "Invoke-PortalSession").text) + b"\n"


class Session:
    """One shell of an endpoint, opened by the first call. Used by one thread at a time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.id = uuid.uuid4().hex
        self.calls = 0
        self.memory = 0  # bytes of its PowerShell when that last answered
        self.created = time.monotonic()
        self.is_sound = True  # False: broken or in an unknown state, must not be kept
        self.has_started = False  # True: the script of the last call may have begun to run
        self._shell = Shell(endpoint)
        self._known: set[str] = set()  # scripts whose text this PowerShell has

    @property
    def used(self) -> float:
        """When the host last answered, by time.monotonic()."""
        return self._shell.used

    def open(self) -> None:
        """Opens the shell, without a process in it; raises RemotingError."""
        self._shell.open()

    def call(self, job: Job) -> object:
        """Runs a script and gives its JSON document; raises RemotingError.

        Until `has_started` nothing has run: the line that asks for it isn't complete yet.
        """
        self.has_started, self.is_sound = False, False
        self._shell.allow(job.remaining)
        self._shell.open()
        is_new = not self._shell.has_process
        if is_new:
            self._known.clear()
            self._shell.start("powershell.exe", bootstrap_arguments())
        self._send(job, is_new=is_new)
        outcome = self._receive(job)
        self._finish(job, outcome)
        return outcome.result(self.endpoint, job.script)

    def stop(self) -> str:
        """Terminates what runs and gives the shell up; never raises. Gives the id of a shell that
        the host didn't hear to delete, "" where none is left."""
        self.is_sound = False
        return self._shell.end()

    def drop(self) -> str:
        """The same without a word to the host: for one that doesn't answer."""
        self.is_sound = False
        return self._shell.drop()

    def delete(self, left: str) -> None:
        """Deletes a shell that another session of the endpoint has left; raises RemotingError."""
        self._shell.delete(left)

    def _send(self, job: Job, *, is_new: bool) -> None:
        pieces = list(self._pieces(job, is_new=is_new))
        for piece in pieces[:-1]:
            self._check(job)
            self._shell.send(piece, is_last=False)
        self._check(job)
        self.has_started = True
        try:
            self._shell.send(pieces[-1], is_last=not self.endpoint.keeps_powershell)
        except Unreachable as problem:
            # the service itself said no: that piece never came to PowerShell
            self.has_started = problem.fault == 0
            raise

    def _pieces(self, job: Job, *, is_new: bool) -> Iterator[bytes]:
        """The request, cut for the wire.

        What must not run twice is begun by a last piece of its own: when a kept session turns
        out to be dead, that shows on the piece before, and nothing has run.
        """
        digest = job.script.sha256
        text = None if digest in self._known else job.script.text
        data = frames.request(self.calls + 1, digest, text, job.parameters)
        if is_new:
            data = loop_line() + data
        hold_back = 0 if is_new or job.is_repeatable else 1
        end = len(data) - hold_back
        for start in range(0, end, SEND_BYTES):
            yield data[start : min(start + SEND_BYTES, end)]
        if hold_back:
            yield data[end:]

    def _receive(self, job: Job) -> Outcome:
        outcome, has_ended = Outcome(self.calls + 1, self.endpoint, job.script), False
        while not has_ended and not (outcome.is_complete and self.endpoint.keeps_powershell):
            self._check(job)
            self._check_heard(job, outcome)
            out, err, code, has_ended = self._shell.receive()
            outcome.take(self.endpoint, job, out, err)
            outcome.exit_code = code
        outcome.end(self.endpoint, job)
        return outcome

    def _check(self, job: Job) -> None:
        if job.should_stop is not None and job.should_stop():
            raise Stopped(f"{job.script.name} on {self.endpoint.label} was stopped.")
        if job.remaining <= 0:
            raise TimedOut(
                f"{job.script.name} on {self.endpoint.label} had not ended after"
                f" {job.seconds:g} seconds and was terminated.",
                hint="See on the host whether what it was to do has happened, then try again.",
            )
        self._shell.allow(job.remaining)

    def _check_heard(self, job: Job, outcome: Outcome) -> None:
        if time.monotonic() - outcome.heard > job.quiet:
            raise TimedOut(
                f"{job.script.name} on {self.endpoint.label} has said nothing for"
                f" {job.quiet:g} seconds and was terminated.",
                hint="See on the host whether what it was to do has happened, then try again.",
            )

    def _finish(self, job: Job, outcome: Outcome) -> None:
        """Whether the session can be kept; the answer is good in any case."""
        self.memory = outcome.memory
        if self.endpoint.keeps_powershell:
            if not outcome.is_complete:
                return  # PowerShell has ended
            if outcome.has_result:  # an error may be that the text doesn't parse
                self._known.add(job.script.sha256)
        else:
            try:
                self._shell.release()
            except RemotingError:
                return
        self.calls += 1
        self.is_sound = True


def gone(error: BaseException) -> bool:
    """Whether the host itself is out of reach, so that asking it to clean up is in vain."""
    return isinstance(error, Unreachable) and error.step != "http"

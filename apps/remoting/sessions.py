"""A kept way into one host: today a WinRM shell that starts a fresh PowerShell for each call.

`Session` is the seam: a session that keeps PowerShell warm has the same four methods.
"""

from __future__ import annotations

import base64
import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from winrm.exceptions import WinRMOperationTimeoutError

from apps.remoting import clixml, frames, scripts, wire
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import (
    BadReply,
    RemotingError,
    ScriptCrashed,
    ScriptRefused,
    Stopped,
    TimedOut,
    TooLarge,
    Unreachable,
)
from apps.remoting.translation import guarded

OUTPUT_LIMIT = 64 * 1024 * 1024
SEND_BYTES = 100_000  # in base64, with its envelope, below Windows' MaxEnvelopeSize of 150 kB
_STDERR_KEPT = 64 * 1024
_QUIET_CONNECTION = 100.0  # HTTP.sys closes idle connections after 120 s
_NOTHING = object()


@dataclass(frozen=True)
class Job:
    """One call: what to run, how long, who listens."""

    script: scripts.Script
    payload: bytes
    until: float  # time.monotonic()
    seconds: float  # the same, as the caller said it
    on_progress: Callable[[dict[str, Any]], None] | None = None
    should_stop: Callable[[], bool] | None = None

    @property
    def remaining(self) -> float:
        return self.until - time.monotonic()


class Session(Protocol):
    """What a kind of session must be able to do. Used by one thread at a time."""

    endpoint: Endpoint
    calls: int
    created: float
    used: float
    is_sound: bool  # False: broken or in an unknown state, must not be kept
    has_started: bool  # True: the script of the last call may have begun to run

    def open(self) -> None: ...
    def call(self, job: Job) -> Any: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...
    def drop(self) -> None: ...


@functools.cache
def bootstrap_arguments() -> tuple[str, ...]:
    """The arguments of powershell.exe; the whole line stays below cmd.exe's 8,191 characters."""
    text = scripts.load("remoting", "Invoke-PortalScript").text
    encoded = base64.b64encode(text.encode("utf-16-le")).decode()
    flags = ("-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass")
    return (*flags, "-EncodedCommand", encoded)


class ShellSession:
    """One WinRM shell, opened by the first call and kept for the next."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.calls = 0
        self.created = self.used = time.monotonic()
        self.is_sound = True
        self.has_started = False
        self._protocol = wire.protocol_for(endpoint)
        self._shell = ""
        self._command = ""

    def open(self) -> None:
        """Opens the shell. After a pause the connection is made anew: the host has closed it."""
        if time.monotonic() - self.used > _QUIET_CONNECTION:
            self._protocol.transport.close_session()
        if not self._shell:
            self._shell = self._ask(self._protocol.open_shell, codepage=65001)

    def call(self, job: Job) -> Any:
        """Runs a script and gives its JSON document; raises RemotingError.

        Until `has_started` nothing has run: PowerShell still waits for the end of its input.
        """
        self.has_started, self.is_sound = False, False
        self._allow(job.remaining)
        self.open()
        self._command = self._ask(
            self._protocol.run_command,
            self._shell,
            "powershell.exe",
            bootstrap_arguments(),
            console_mode_stdin=False,
        )
        self._send(job)
        outcome = self._receive(job)
        self._finish()
        return outcome.result(self.endpoint, job.script)

    def stop(self) -> None:
        """Terminates what runs, over a new connection, and gives the shell up; never raises."""
        self.is_sound = False
        shell, command = self._shell, self._command
        self._shell = self._command = ""
        try:
            self._protocol.transport.close_session()
            self._allow(0)
            if shell and command:
                self._ask(self._protocol.cleanup_command, shell, command)
            if shell:
                self._ask(self._protocol.close_shell, shell)
        except RemotingError:
            pass  # the host itself ends the shell when it is idle for two hours
        finally:
            self._protocol.transport.close_session()

    def close(self) -> None:
        """Deletes the shell; never raises."""
        self.stop()

    def drop(self) -> None:
        """Closes the connection and leaves the shell to the host: for one that doesn't answer."""
        self.is_sound = False
        self._shell = self._command = ""
        self._protocol.transport.close_session()

    def _ask(self, operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return guarded(self.endpoint, operation, *args, **kwargs)

    def _allow(self, remaining: float) -> None:
        """Sets the next exchange's times, so that none outlives the call by more than a second."""
        operation = max(1, min(wire.OPERATION_SECONDS, math.ceil(remaining)))
        self._protocol.operation_timeout_sec = operation
        patience = min(operation + wire.GRACE_SECONDS, max(operation, remaining) + 1)
        self._protocol.transport.allow(patience)

    def _send(self, job: Job) -> None:
        data = job.payload
        for start in range(0, len(data), SEND_BYTES):
            self._check(job)
            piece, is_last = data[start : start + SEND_BYTES], start + SEND_BYTES >= len(data)
            self.has_started = is_last
            self._ask(
                self._protocol.send_command_input, self._shell, self._command, piece, end=is_last
            )

    def _receive(self, job: Job) -> Outcome:
        outcome, is_done = Outcome(), False
        while not is_done:
            self._check(job)
            try:
                out, err, code, is_done = self._ask(
                    self._protocol.get_command_output_raw, self._shell, self._command
                )
            except WinRMOperationTimeoutError:
                continue
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
        self._allow(job.remaining)

    def _finish(self) -> None:
        """Releases the command; when that fails the answer is still good, the session is not."""
        try:
            self._ask(self._protocol.cleanup_command, self._shell, self._command)
        except (RemotingError, WinRMOperationTimeoutError):
            return
        self._command = ""
        self.calls += 1
        self.used = time.monotonic()
        self.is_sound = True


class Outcome:
    """What a command has written so far, and what that comes to."""

    def __init__(self) -> None:
        self.exit_code = 0
        self._frames = frames.Reader()
        self._size = 0
        self._stderr = b""
        self._result: Any = _NOTHING
        self._error: dict[str, Any] | None = None

    def take(self, endpoint: Endpoint, job: Job, out: bytes, err: bytes) -> None:
        """One Receive's pieces; raises TooLarge, BadReply, and what on_progress raises."""
        self._size += len(out) + len(err)
        if self._size > OUTPUT_LIMIT:
            raise TooLarge(
                f"{job.script.name} on {endpoint.label} wrote more than"
                f" {OUTPUT_LIMIT // 1024 // 1024} MiB and was terminated."
            )
        self._stderr = (self._stderr + err)[:_STDERR_KEPT]
        self._each(endpoint, job, self._frames.feed(out))

    def end(self, endpoint: Endpoint, job: Job) -> None:
        self._each(endpoint, job, self._frames.close())

    def _each(self, endpoint: Endpoint, job: Job, found: Any) -> None:
        try:
            for frame in found:
                self._frame(job, frame)
        except frames.NotAFrame as error:
            raise self._bad(endpoint, job.script, str(error)) from None

    def _frame(self, job: Job, frame: frames.Frame) -> None:
        if frame.kind == frames.RESULT:
            self._result = frame.document
        elif frame.kind == frames.ERROR and isinstance(frame.document, dict):
            self._error = frame.document
        elif frame.kind == frames.PROGRESS and isinstance(frame.document, dict):
            if job.on_progress is not None:
                job.on_progress(frame.document)
        else:
            raise frames.NotAFrame(str(frame.document)[:500])

    def result(self, endpoint: Endpoint, script: scripts.Script) -> Any:
        """The script's JSON document; raises ScriptRefused, ScriptCrashed or BadReply."""
        if self._error is not None:
            raise _refused(endpoint, script, self._error)
        if self._result is not _NOTHING:
            return self._result
        words = clixml.plain(self._stderr) or self._frames.stray
        if self.exit_code != 0:
            raise ScriptCrashed(
                f"{script.name} on {endpoint.label} ended with exit code {self.exit_code} and"
                " without an answer.",
                exit_code=self.exit_code,
                host_message=words,
                hint="Look in the host's event log under Windows PowerShell.",
            )
        raise self._bad(endpoint, script, words)

    @staticmethod
    def _bad(endpoint: Endpoint, script: scripts.Script, words: str) -> BadReply:
        return BadReply(
            f"{script.name} on {endpoint.label} gave an answer that can't be read.",
            host_message=words,
            hint="Check that PowerShell on the host is Windows PowerShell 5.1 and that no profile"
            " or agent writes into its output.",
        )


def _refused(endpoint: Endpoint, script: scripts.Script, record: dict[str, Any]) -> ScriptRefused:
    words = str(record.get("message") or "").strip()
    return ScriptRefused(
        f"{endpoint.label} refused {script.name}: {words or 'it gave no reason'}",
        host_message=words,
        category=str(record.get("category") or ""),
        error_id=str(record.get("error_id") or ""),
        position=str(record.get("position") or ""),
        error_type=str(record.get("type") or ""),
    )


def gone(error: BaseException) -> bool:
    """Whether the host itself is out of reach, so that asking it to clean up is in vain."""
    return isinstance(error, Unreachable) and error.step != "http"

"""A kept way into one host: today a WinRM shell that starts a fresh PowerShell for each call.

`Session` is the seam: a session that keeps PowerShell warm has the same four methods.
"""

from __future__ import annotations

import base64
import functools
import math
import time
from collections.abc import Callable
from typing import Any, Protocol

from winrm.exceptions import WinRMOperationTimeoutError

from apps.remoting import scripts, wire
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import RemotingError, Stopped, TimedOut, Unreachable
from apps.remoting.outcome import Job, Outcome
from apps.remoting.translation import guarded

SEND_BYTES = 100_000  # in base64, with its envelope, below Windows' MaxEnvelopeSize of 150 kB
_QUIET_CONNECTION = 100.0  # HTTP.sys closes idle connections after 120 s


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
        self._protocol, self._transport = wire.client_for(endpoint)
        self._shell = ""
        self._command = ""

    def open(self) -> None:
        """Opens the shell. After a pause the connection is made anew: the host has closed it."""
        if time.monotonic() - self.used > _QUIET_CONNECTION:
            self._transport.close_session()
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
            self._transport.close_session()
            self._allow(0)
            if shell and command:
                self._ask(self._protocol.cleanup_command, shell, command)
            if shell:
                self._ask(self._protocol.close_shell, shell)
        except RemotingError:
            pass  # the host itself ends the shell when it is idle for two hours
        finally:
            self._transport.close_session()

    def close(self) -> None:
        """Deletes the shell; never raises."""
        self.stop()

    def drop(self) -> None:
        """Closes the connection and leaves the shell to the host: for one that doesn't answer."""
        self.is_sound = False
        self._shell = self._command = ""
        self._transport.close_session()

    def _ask(self, operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return guarded(self.endpoint, operation, *args, **kwargs)

    def _allow(self, remaining: float) -> None:
        """Sets the next exchange's times, so that none outlives the call by more than a second."""
        operation = max(1, min(wire.OPERATION_SECONDS, math.ceil(remaining)))
        self._protocol.operation_timeout_sec = operation
        patience = min(operation + wire.GRACE_SECONDS, max(operation, remaining) + 1)
        self._transport.allow(patience)

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


def gone(error: BaseException) -> bool:
    """Whether the host itself is out of reach, so that asking it to clean up is in vain."""
    return isinstance(error, Unreachable) and error.step != "http"

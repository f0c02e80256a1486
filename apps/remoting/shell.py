"""One WinRM shell on a host and the process in it: what WS-Management knows of a session."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from winrm.exceptions import WinRMOperationTimeoutError

from apps.remoting import wire
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import RemotingError, TimedOut, Unreachable
from apps.remoting.translation import guarded

IDLE_SECONDS = 900
"""After so long without a word from us the host ends the shell: what a dead worker left goes."""
_QUIET_CONNECTION = 100.0  # HTTP.sys closes idle connections after 120 s
_NO_OUTPUT = b"", b"", 0, False


class Shell:
    """A shell that is opened when it is first needed, with one process at a time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.used = time.monotonic()
        self._protocol, self._transport = wire.client_for(endpoint)
        self._shell = ""
        self._command = ""

    @property
    def id(self) -> str:
        """WS-Management's ShellId; "" before it is open."""
        return self._shell

    @property
    def has_process(self) -> bool:
        return bool(self._command)

    def allow(self, remaining: float) -> None:
        """Sets the next exchange's times, so that none outlives a call by more than a second."""
        operation = max(1, min(wire.OPERATION_SECONDS, math.ceil(remaining)))
        self._protocol.operation_timeout_sec = operation
        patience = min(operation + wire.GRACE_SECONDS, max(operation, remaining) + 1)
        self._transport.allow(patience)

    def open(self) -> None:
        """Opens the shell. After a pause the connection is made anew: the host has closed it."""
        if time.monotonic() - self.used > _QUIET_CONNECTION:
            self._transport.close_session()
        if not self._shell:
            self._shell = self._ask(
                self._protocol.open_shell, codepage=65001, idle_timeout=f"PT{IDLE_SECONDS}.000S"
            )

    def start(self, program: str, arguments: Sequence[str]) -> None:
        self._command = self._ask(
            self._protocol.run_command, self._shell, program, arguments, console_mode_stdin=False
        )

    def send(self, data: bytes, *, is_last: bool) -> None:
        """Puts bytes on the process's standard input, and ends that with `is_last`."""
        self._ask(self._protocol.send_command_input, self._shell, self._command, data, end=is_last)

    def receive(self) -> tuple[bytes, bytes, int, bool]:
        """(stdout, stderr, exit code, has ended) since the last time; nothing when it was quiet."""
        try:
            answer: tuple[bytes, bytes, int, bool] = guarded(
                self.endpoint, self._protocol.get_command_output_raw, self._shell, self._command
            )
        except WinRMOperationTimeoutError:
            return _NO_OUTPUT
        self.used = time.monotonic()
        return answer

    def release(self) -> None:
        """Lets go of a process that has ended; raises RemotingError."""
        command, self._command = self._command, ""
        self._ask(self._protocol.cleanup_command, self._shell, command)

    def end(self) -> str:
        """Terminates what runs, over a new connection, and deletes the shell; never raises. Gives
        the id of a shell that may be left on the host, "" for none."""
        shell, command = self._shell, self._command
        self._shell = self._command = ""
        try:
            self._transport.close_session()
            self.allow(0)
            if shell and command:
                self._ask(self._protocol.cleanup_command, shell, command)
            if shell:
                self._ask(self._protocol.close_shell, shell)
        except RemotingError as problem:
            has_heard = isinstance(problem, Unreachable) and problem.fault != 0
            return "" if has_heard else shell
        finally:
            self._transport.close_session()
        return ""

    def drop(self) -> str:
        """Closes the connection to a host that doesn't answer; gives the id of what is left."""
        shell = self._shell
        self._shell = self._command = ""
        self._transport.close_session()
        return shell

    def delete(self, other: str) -> None:
        """Deletes a shell that an earlier connection has left; raises RemotingError."""
        self._ask(self._protocol.close_shell, other)

    def _ask(self, operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            answer = guarded(self.endpoint, operation, *args, **kwargs)
        except WinRMOperationTimeoutError:
            raise TimedOut(
                f"{self.endpoint.label} did not do in time what its WinRM service was asked for.",
                hint="The host may be overloaded. Try again; if it lasts, restart WinRM on it.",
            ) from None
        self.used = time.monotonic()
        return answer

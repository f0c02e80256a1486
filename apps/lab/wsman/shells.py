"""Shells and the commands that run in them: one thread a command, output fetched by Receive."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from apps.lab.wsman import faults, soap


class Command:
    """A running command: the thread writes, the service's loop reads.

    `exit_code` is None while it runs. `broken`: the host's answer is to be cut off instead.
    """

    def __init__(
        self, line: str, shell: Shell, *, is_direct: bool = False, is_console: bool = True
    ) -> None:
        self.id = soap.new_id()
        self.line = line
        self.codepage = shell.codepage
        self.environment = shell.environment
        self.is_direct = is_direct  # no cmd.exe between: its line limit does not apply
        self.is_console = is_console  # standard input is a console: Ctrl+C reaches the process
        self.cancelled = threading.Event()
        self.exit_code: int | None = None
        self.broken = False
        self._lock = threading.Condition()
        self._output: deque[tuple[str, memoryview]] = deque()
        self._input = bytearray()
        self._searched = 0  # bytes of the input known to hold no line feed
        self._input_ended = False
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    # The thread's side.

    def write(self, data: bytes, stream: str = "stdout", *, flush: bool = True) -> None:
        """Without `flush` a Receive that waits hears of it with what comes next, or the end."""
        with self._lock:
            self._output.append((stream, memoryview(data)))
        if flush:
            self.flush()

    def flush(self) -> None:
        self._wake()

    def read_line(self) -> bytes:
        """The next line of standard input, without its end; b"" after the last. Raises Cancelled.

        Empty lines are passed over.
        """
        while True:
            with self._lock:
                self._lock.wait_for(self._has_line)
                if self.cancelled.is_set():
                    raise Cancelled
                line, found, rest = bytes(self._input).partition(b"\n")
                self._input = bytearray(rest)
                self._searched = 0
            if not found or line.strip():
                return line.strip()

    def finish(self, exit_code: int) -> None:
        with self._lock:
            self.exit_code = exit_code
        self._wake()

    def break_off(self) -> None:
        self.broken = True
        self._wake()

    def _has_line(self) -> bool:
        if self.cancelled.is_set() or self._input_ended:
            return True
        is_there = self._input.find(b"\n", self._searched) >= 0
        self._searched = len(self._input)
        return is_there

    # The service's side.

    def feed(self, data: bytes, *, end: bool) -> None:
        with self._lock:
            self._input += data
            self._input_ended = self._input_ended or end
            self._lock.notify_all()

    def cancel(self) -> None:
        with self._lock:
            self.cancelled.set()
            self._lock.notify_all()
        self._wake()

    def take(self, limit: int) -> tuple[list[tuple[str, bytes]], bool]:
        """(stream, bytes) pieces of at most `limit` bytes together; and whether that was all."""
        pieces: list[tuple[str, bytes]] = []
        with self._lock:
            self._changed.clear()
            while self._output and limit > 0:
                stream, data = self._output[0]
                pieces.append((stream, bytes(data[:limit])))
                if len(data) > limit:
                    self._output[0] = (stream, data[limit:])  # a view: nothing is copied
                else:
                    self._output.popleft()
                limit -= len(data)
            return pieces, not self._output and self.exit_code is not None

    async def wait(self, seconds: float) -> None:
        """Until there may be something new; TimeoutError when there is not."""
        async with asyncio.timeout(seconds):
            await self._changed.wait()

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)


class Cancelled(Exception):
    """The command was terminated while it waited for input."""


@dataclass
class Shell:
    """`idle_timeout` in seconds: after so long without a request the shell is gone.

    `given`: XML of what the client said of the shell and the service repeats, by element.
    """

    owner: str
    codepage: str
    idle_timeout: float
    environment: dict[str, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    id: str = field(default_factory=soap.new_id)
    commands: dict[str, Command] = field(default_factory=dict)
    opened: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.monotonic)

    def ages(self) -> tuple[float, float]:
        """Seconds since it was opened, and since it was last asked for something."""
        now = time.monotonic()
        return now - self.opened, now - self.used

    def close(self) -> None:
        for command in self.commands.values():
            command.cancel()
        self.commands.clear()

    def command(self, command_id: str) -> Command:
        found = self.commands.get(command_id.upper())
        if found is None:
            raise faults.unknown_command()
        return found

    def start(self, command: Command, program: Callable[[Command], None]) -> None:
        self.commands[command.id] = command
        name = f"lab-command-{command.id[:8]}"
        threading.Thread(target=program, args=(command,), name=name, daemon=True).start()


class Shells:
    """The shells of one host. A shell belongs to who opened it: nobody else can use it."""

    def __init__(self) -> None:
        self._shells: dict[str, Shell] = {}

    def __len__(self) -> int:
        return len(self._shells)

    def open(self, shell: Shell, most: int) -> None:
        """Takes a shell in, unless its owner has `most` of them already."""
        self._expire()
        if sum(other.owner == shell.owner for other in self._shells.values()) >= most:
            raise faults.too_many_shells(most)
        self._shells[shell.id] = shell

    def get(self, shell_id: str, owner: str) -> Shell:
        shell = self._shells.get(shell_id.upper())
        if shell is None or shell.owner != owner:
            raise faults.unknown_shell(shell_id)
        shell.used = time.monotonic()
        return shell

    def delete(self, shell: Shell) -> None:
        shell.close()
        self._shells.pop(shell.id, None)

    def close(self) -> None:
        for shell in self.all():
            self.delete(shell)

    def all(self) -> list[Shell]:
        return list(self._shells.values())

    def lose(self) -> None:
        """The machine went down under them: who waits for a command hears that the line broke."""
        for shell in self.all():
            for command in shell.commands.values():
                command.break_off()
        self.close()

    def _expire(self) -> None:
        now = time.monotonic()
        for shell in self.all():
            if now - shell.used > shell.idle_timeout:
                self.delete(shell)

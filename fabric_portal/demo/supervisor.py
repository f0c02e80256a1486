"""Keeps the processes of the Procfile running, and ends them together.

A process that dies is started again, with a line that says so: a worker that the kernel killed must
not take the demo along. One that cannot even start ends the demo, and its own message is the last.
"""

import os
import re
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fabric_portal.redis_server import die_with_parent

STEADY_SECONDS = 10.0  # who ran that long did start
GIVES_UP_AFTER = 5  # ends in a row, each before it was steady
LONGEST_PAUSE = 5.0
GRACE_SECONDS = 6.0  # the web server's own is 3
LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(.+)$")
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def procfile(path: Path) -> dict[str, str]:
    """Name and shell command of each process, in the file's order."""
    found = (LINE.match(line) for line in path.read_text().splitlines())
    return {match[1]: match[2] for match in found if match}


@dataclass
class Kept:
    """One process: the one that runs now, and how the ones before it fared."""

    name: str
    command: str
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    steady: bool = False  # whether it ever was
    quick_ends: int = 0
    due: float = field(default=0.0)  # when it is started (again); monotonic seconds

    def start(self) -> None:
        # A session of its own: Ctrl-C reaches the supervisor alone, which ends all in order.
        self.process = subprocess.Popen(  # noqa: S602  the Procfile is shell
            self.command, shell=True, start_new_session=True, preexec_fn=die_with_parent
        )
        self.began = time.monotonic()

    def send(self, number: int) -> None:
        """To it and whatever it has started."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return

    def ended(self) -> int | None:
        """The exit code, once, as soon as there is one; its children are gone with it then."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.send(signal.SIGKILL)
        self.process = None
        if time.monotonic() - self.began >= STEADY_SECONDS:
            self.steady, self.quick_ends = True, 0
        else:
            self.quick_ends += 1
        self.due = time.monotonic() + min(max(self.quick_ends - 1, 0) * 1.0, LONGEST_PAUSE)
        return code

    def hopeless(self, code: int) -> bool:
        """It failed by itself without ever having run, or does so over and over."""
        return code > 0 and (not self.steady or self.quick_ends >= GIVES_UP_AFTER)


class Supervisor:
    """`run` starts all and stays until a signal ends it; what is named in `once` may end well."""

    def __init__(
        self, commands: Mapping[str, str], once: Collection[str], say: Callable[[str], None]
    ) -> None:
        self.kept = [Kept(name, command) for name, command in commands.items()]
        self.once, self.say = once, say
        self.told_to_end = 0
        self.code: int | None = None

    def run(self) -> int:
        """The exit code: 0 after a signal, else that of the process that could not run."""
        reader, writer = socket.socketpair()
        with reader, writer:
            writer.setblocking(False)
            signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
            signal.signal(signal.SIGCHLD, lambda *_: None)
            for number in ENDS:
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                    signal.signal(number, self._told)  # under nohup it outlives its terminal
            while self.code is None and not self.told_to_end:
                self._start_due()
                self._await(reader)
                self._look()
            self._end_all(reader)
            signal.set_wakeup_fd(-1)
        return self.code or 0

    def _told(self, *_: object) -> None:
        self.told_to_end += 1

    def _start_due(self) -> None:
        for one in self.kept:
            if one.process is None and time.monotonic() >= one.due:
                one.start()

    def _await(self, reader: socket.socket, until: float | None = None) -> None:
        """Until a signal came (a child's end is one), or something is due."""
        times = [one.due for one in self.kept if one.process is None]
        deadline = min(times if until is None else [until], default=None)
        rest = None if deadline is None else max(deadline - time.monotonic(), 0)
        if select.select([reader], [], [], rest)[0]:
            reader.recv(4096)

    def _look(self) -> None:
        for one in list(self.kept):
            if (code := one.ended()) is None or self.told_to_end:
                continue
            if code == 0 and one.name in self.once:
                self.kept.remove(one)
            elif one.name in self.once or one.hopeless(code):
                self.say(f"{one.name} {_how(code)}: the demo ends.")
                self.code = code if code > 0 else 1
            else:
                self.say(f"{one.name} {_how(code)}. It is started again.")

    def _end_all(self, reader: socket.socket) -> None:
        """Asks, waits, and kills what stays; a second signal doesn't wait."""
        before, until = self.told_to_end, time.monotonic() + GRACE_SECONDS
        for one in self.kept:
            one.send(signal.SIGTERM)
        while any(one.process for one in self.kept):
            if time.monotonic() >= until or self.told_to_end > before:
                for one in self.kept:
                    one.send(signal.SIGKILL)
                until = time.monotonic() + GRACE_SECONDS
            self._await(reader, until)
            for one in self.kept:
                one.ended()


def _how(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

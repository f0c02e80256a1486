"""Keeps a process of the Procfile running.

honcho starts the demo's processes and ends them together, as soon as one of them ends. So each is
kept by one of these: what dies is started again, with a line that says so, as a worker that the
kernel killed must not take the demo along. What cannot even start ends, and with it the demo; its
own message is the last.

usage: supervisor.py [--once] NAME COMMAND [ARGUMENT …]      (--once: it may end well, and is done)

Run by its path, on the standard library alone, so that it costs next to nothing.
"""

import ctypes
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

STEADY_SECONDS = 10.0  # who ran that long did start
GIVES_UP_AFTER = 5  # ends in a row, each before it was steady
LONGEST_PAUSE = 5.0
GRACE_SECONDS = 4.0  # the web server's own is 3, honcho's 5
PR_SET_PDEATHSIG = 1
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def die_with_parent() -> None:
    """Has the kernel end this process, and what it becomes, when its parent ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


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


def main(words: list[str]) -> int:
    once = words[:1] == ["--once"]
    name, *command = words[1:] if once else words
    die_with_parent()
    kept = Supervisor({name: f"exec {shlex.join(command)}"}, {name} if once else (), _say)
    return kept.run()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

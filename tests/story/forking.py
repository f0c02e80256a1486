"""Workers as processes that can be killed: each a child of a process that has the portal loaded.

usage (by `Forks`): python -m tests.story.forking; a line of JSON in for each worker, two out
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WRITES = ("INSERT", "UPDATE", "DELETE")


class Forks:
    """The process that workers are forked from. It has no thread, so that forking it is safe."""

    def __init__(self, folder: Path) -> None:
        from django.conf import settings

        self.trace = folder / "trace.jsonl"
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.operations.worker_settings",
            "TEST_RUN_DATABASE": str(settings.DATABASES["default"]["NAME"]),
            "FABRIC_CONTENT_URL": settings.FABRIC_CONTENT_URL,
            "FABRIC_CONTENT_CA": str(settings.FABRIC_CONTENT_CA),
        }
        self._log = (folder / "workers.log").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.story.forking"], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
        )  # fmt: skip
        self._told()

    def begin(self, operation: Any, kill: tuple[str, int] | None = None) -> int:
        """A worker that does an operation; its process id. `kill`: it ends itself there, as if by
        kill -9: before it "sent" or after it had "answered" its nth call of a script, or after its
        nth "commit"."""
        self.trace.unlink(missing_ok=True)
        order = {"operation": str(operation.pk), "trace": str(self.trace), "kill": kill}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._told())

    def ended(self) -> bool:
        """Waits for the worker's end; whether it was killed."""
        code = os.waitstatus_to_exitcode(int(self._told()))
        if code not in (0, -signal.SIGKILL):
            self._log.seek(0)
            raise AssertionError(f"a worker ended with {code}:\n{self._log.read()[-3000:]}")
        return code != 0

    def steps(self) -> list[list[Any]]:
        """What the last worker did: ["call", script] and ["commit", n], in their order."""
        return [json.loads(line) for line in self.trace.read_text().splitlines()]

    def close(self) -> None:
        self._process.communicate()
        self._log.close()

    def _told(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise AssertionError(f"no workers can be forked:\n{self._log.read()[-3000:]}")
        return line.strip()


class Tracer:
    """Counts what a worker does, writes it down, and kills it where that was asked for."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._file = Path(order["trace"])
        self._kill = tuple(order["kill"] or ())
        self._lock = threading.Lock()
        self._calls = self._commits = 0

    def around_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(session: Any, job: Any) -> Any:
            with self._lock:
                self._calls += 1
                number = self._calls
                self._write(["call", job.script.name])
            self._die_at("sent", number)
            answer = original(session, job)
            self._die_at("answered", number)
            return answer

        return call

    def around_exit(self, original: Callable[..., Any], connection: Any) -> Callable[..., Any]:
        def leave(atomic: Any, kind: Any, value: Any, trace: Any) -> None:
            original(atomic, kind, value, trace)
            if kind is None and not connection.in_atomic_block:
                self._committed()

        return leave

    def around_statement(self, connection: Any) -> Callable[..., Any]:
        def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            answer = run(sql, params, many, context)
            if not connection.in_atomic_block and str(sql).lstrip().startswith(WRITES):
                self._committed()
            return answer

        return execute

    def _committed(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # a heartbeat's, when it happens to come
        self._commits += 1
        self._write(["commit", self._commits])
        self._die_at("commit", self._commits)

    def _write(self, row: list[Any]) -> None:
        with self._file.open("a") as out:
            out.write(json.dumps(row) + "\n")

    def _die_at(self, what: str, number: int) -> None:
        if self._kill == (what, number):
            os.kill(os.getpid(), signal.SIGKILL)


def work(order: dict[str, Any]) -> None:
    """What a worker does with an operation, watched."""
    from django.db import connection, transaction

    from apps.operations import execution
    from apps.remoting.pool import POOL
    from apps.remoting.sessions import Session

    tracer = Tracer(order)
    Session.call = tracer.around_call(Session.call)  # type: ignore[method-assign]
    exits = tracer.around_exit(transaction.Atomic.__exit__, connection)
    transaction.Atomic.__exit__ = exits  # type: ignore[method-assign]
    with connection.execute_wrapper(tracer.around_statement(connection)):
        execution.execute(order["operation"])
    POOL.close()


def main() -> None:
    import django

    django.setup()
    from apps.remoting import scripts

    scripts.catalogue()
    _say("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                work(json.loads(line))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _say(child)
        _say(os.waitpid(child, 0)[1])


def _say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

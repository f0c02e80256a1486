"""Web processes of the portal beside the test, on its database, its data folder and its Redis: to
be killed, and to be several.
"""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    """What a process needs to be one of the portal that the test is in."""
    found = {k: v for k, v in os.environ.items() if k != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    return found | {
        "DJANGO_SETTINGS_MODULE": "fabric_portal.settings",
        "FABRIC_DATA_DIR": str(settings.FABRIC_DATA_DIR),
        "FABRIC_DATABASE_URL": _database(),
        **more,
    }


def _database() -> str:
    told = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite://{quote(str(told['NAME']))}"
    return f"postgres://{told['USER']}@{told['HOST']}:{told['PORT']}/{told['NAME']}"


class Web:
    """`manage.py serve` on a port that stays the same over restarts. `log` is all it wrote."""

    def __init__(self, folder: Path, port: int = 0, **more: str) -> None:
        self.port = port or free_port()
        self.log = folder / f"web-{self.port}.log"
        self._environment = environment(**more)
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port)], cwd=ROOT,
                env=self._environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        wait_for(self._answers, f"the web process on {self.port}", 60)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(self.url + "/health/live/", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """What kill -9 does: nothing of it gets to say a word."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> "Web":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.kill()


@contextmanager
def several(folder: Path, number: int = 2, **more: str) -> Iterator[list[Web]]:
    webs: list[Web] = []
    try:
        for _ in range(number):
            webs.append(Web(folder, **more))
        yield webs
    finally:
        for web in webs:
            web.__exit__(None, None, None)

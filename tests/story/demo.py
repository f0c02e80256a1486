"""A whole demo in processes of its own: lab, portal, workers, database, Redis."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    """`manage.py demo` on a folder; `stop` is what Ctrl-C does."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FABRIC_")}
        environment |= {"FABRIC_DATA_DIR": str(folder), "PORT": str(free_port()), **settings}
        environment["DJANGO_SETTINGS_MODULE"] = "fabric_portal.settings"
        self.environment = environment
        self.log = (folder.parent / f"{folder.name}.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo"], cwd=ROOT, env=environment, stdout=self.log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        wait_for(self._ready, "the demo's demo.json", 180)
        self.facts: dict[str, Any] = json.loads((folder / "demo.json").read_text())

    def _ready(self) -> bool:
        assert self.process.poll() is None, Path(self.log.name).read_text()[-3000:]
        return (self.folder / "demo.json").exists()

    @property
    def url(self) -> str:
        return str(self.facts["url"])

    def user(self, name: str) -> dict[str, str]:
        return next(user for user in self.facts["users"] if user["username"] == name)

    def manage(self, *words: str) -> None:
        """A management command beside the running demo, on its data."""
        subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def lab(self, method: str, path: str, body: Any = None) -> Any:
        """A call to the lab's control address."""
        content = None if body is None else json.dumps(body).encode()
        address = self.facts["lab"]["control_url"] + path
        asked = urllib.request.Request(address, content, method=method)  # noqa: S310
        with urllib.request.urlopen(asked, timeout=10) as reply:  # noqa: S310
            return json.load(reply)

    def processes(self, words: str) -> list[int]:
        """The demo's processes whose command line has the words: what supervisors keep, not they
        themselves. Zombies have no command line.
        """
        parents, lines = {}, {}
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parents[path.name] = (path / "stat").read_text().rsplit(")", 1)[1].split()[1]
                lines[path.name] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        kept = [name for name, line in lines.items() if "/supervisor.py " in line]
        return [
            int(name) for name, line in lines.items()
            if words in line and parents[name] in kept and self._began(parents[name], parents)
        ]  # fmt: skip

    def _began(self, name: str, parents: dict[str, str]) -> bool:
        """Whether a process descends from this demo's first."""
        while name in parents:
            if int(name) == self.process.pid:
                return True
            name = parents[name]
        return False

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            self.process.wait(30)
        self.log.close()


def start(**settings: str) -> Demo:
    """On a short path: Redis' socket lies in it, and a socket's path has 108 bytes at most."""
    folder = Path(tempfile.mkdtemp(prefix="fabric-demo-")) / "d"
    folder.mkdir()
    return Demo(folder, **settings)

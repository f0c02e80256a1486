"""A demo of its own: how long its first and its second start take, and how much memory it holds."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.clients import say
from benchmarks.deploying import deploying

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 300


def starting() -> None:
    """Starts it twice on one data folder; the second time it deploys, too."""
    with tempfile.TemporaryDirectory(prefix="fabric-bench-") as folder:
        for turn in ("first", "second"):
            begun = time.perf_counter()
            with _demo(Path(folder)) as (process, demo):
                say(f"{turn} start: {time.perf_counter() - begun:.1f} s until it can be used")
                if turn == "second":
                    _memory(process.pid)
                    deploying(demo)


@contextlib.contextmanager
def _demo(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = {"FABRIC_DEMO": "1", "FABRIC_DATA_DIR": str(folder), "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo"], cwd=ROOT, env=os.environ | settings,
        stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        yield process, _when_ready(process, folder, port)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _when_ready(process: subprocess.Popen[bytes], folder: Path, port: int) -> dict[str, Any]:
    """What the demo tells of itself, once it tells it and all of it answers."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (_ready(port) and (folder / "demo.json").exists()):
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit("the demo didn't start: see what `make demo` says")
        time.sleep(0.05)
    found: dict[str, Any] = json.loads((folder / "demo.json").read_text())
    return found | {"url": f"http://127.0.0.1:{port}"}


def _ready(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /health/ready/ HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def _memory(pid: int) -> None:
    """Of the demo and all its processes: what is theirs alone, and their share of the rest."""
    while any(_name(one) == "seed_demo" for one in _family(pid)):
        time.sleep(0.1)
    sizes: Counter[str] = Counter()
    for one in _family(pid):
        sizes[_name(one)] += _share(one)
    parts = ", ".join(f"{name} {size / 1024:.0f}" for name, size in sizes.items())
    say(f"memory: {sum(sizes.values()) / 1024:.0f} MiB ({parts})")


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    if words[1].endswith("supervisor.py"):
        return "supervisors"
    after = words.index("manage.py") + 1 if "manage.py" in words else 0
    name = words[after].rsplit("/", 1)[-1]
    return f"{name} {words[words.index('--queues') + 1]}" if "--queues" in words else name


def _share(pid: int) -> int:
    """KiB, proportional where pages are shared."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

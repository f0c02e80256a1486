"""What keeps the demo's processes running: real processes, seen from outside."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import json, sys
from fabric_portal.demo import supervisor
supervisor.STEADY_SECONDS = float(sys.argv[2])
say = lambda line: print(line, flush=True)
kept = supervisor.Supervisor(json.loads(sys.argv[1]), {"seed"}, say)
sys.exit(kept.run())
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(steady: float = 0, **commands: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", RUN, json.dumps(commands), str(steady)]
        process = subprocess.Popen(
            words, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def lives(pid: int) -> bool:
    """As anything but a zombie that its parent hasn't met yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def stays(path: Path) -> str:
    return f"echo $$ >> {path}; exec sleep 600"


def pids(path: Path, number: int) -> list[int]:
    """Of the processes that a command was, once there were `number` of them."""

    def found() -> list[int]:
        lines = path.read_text().split() if path.exists() else []
        return [int(line) for line in lines] if len(lines) == number else []

    return wait_for(found, f"{number} starts")


def test_what_is_killed_is_started_again_and_said_and_the_rest_goes_on(
    start: Start, tmp_path: Path
) -> None:
    kept = start(web=stays(tmp_path / "web"), worker=stays(tmp_path / "worker"))
    [web], [worker] = pids(tmp_path / "web", 1), pids(tmp_path / "worker", 1)

    os.kill(worker, signal.SIGKILL)

    _, again = pids(tmp_path / "worker", 2)
    assert lives(web) and lives(again)
    assert kept.stdout and kept.stdout.readline() == (
        "worker was killed by SIGKILL. It is started again.\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_and_their_children(start: Start, tmp_path: Path, number: int) -> None:
    command = f"sleep 600 & echo $! >> {tmp_path / 'child'}; {stays(tmp_path / 'web')}"
    kept = start(web=command, stubborn=f"trap '' TERM; {stays(tmp_path / 'stubborn')}")
    found = [pids(tmp_path / name, 1)[0] for name in ("child", "web", "stubborn")]

    kept.send_signal(number)
    pids(tmp_path / "web", 1)
    kept.send_signal(number)  # a second one doesn't wait for who is stubborn

    assert kept.wait(10) == 0
    assert not any(lives(pid) for pid in found)


def test_all_end_with_a_supervisor_that_is_killed(start: Start, tmp_path: Path) -> None:
    kept = start(web=stays(tmp_path / "web"))
    [web] = pids(tmp_path / "web", 1)

    kept.kill()

    wait_for(lambda: not lives(web), "the orphan's end")


def test_what_cannot_start_ends_all_with_its_code(start: Start, tmp_path: Path) -> None:
    kept = start(60, web=stays(tmp_path / "web"), lab="exit 3")

    assert kept.wait(10) == 3
    assert kept.stdout and "lab ended with code 3: the demo ends." in kept.stdout.read()
    assert not any(lives(pid) for pid in pids(tmp_path / "web", 1))


def test_what_is_done_once_may_end_well_and_only_well(start: Start, tmp_path: Path) -> None:
    seeded = f"echo $$ >> {tmp_path / 'seed'}"
    well = start(web=stays(tmp_path / "web"), seed=seeded)
    pids(tmp_path / "seed", 1)
    [web] = pids(tmp_path / "web", 1)
    os.kill(web, signal.SIGKILL)
    pids(tmp_path / "web", 2)

    assert well.poll() is None and pids(tmp_path / "seed", 1)
    assert start(web="exec sleep 600", seed="exit 1").wait(10) == 1


def test_the_procfile_has_each_process_kept() -> None:
    lines = [line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines()]

    assert [name for name, _ in lines] == ["redis", "lab", "web", "worker", "observer", "seed"]
    assert all("fabric_portal/demo/supervisor.py " in command for _, command in lines)

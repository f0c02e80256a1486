"""`manage.py lab` as one process: what it listens on, how its hosts fail, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.remoting import Endpoint, call, scripts
from apps.remoting.errors import BadReply, RemotingError, ScriptRefused, TimedOut, Unreachable
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


class Running:
    """The command on a data folder, from its start until `stop`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "lab" / "lab.json"
        before = self._written()
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "lab", "--data-dir", str(folder)],
            cwd=ROOT,
            env=os.environ | {"FABRIC_DATA_DIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        wait_for(lambda: self._written() != before, "lab.json is written", 30)
        self.facts = json.loads(self._file.read_text())

    def _written(self) -> int:
        return self._file.stat().st_mtime_ns if self._file.exists() else 0

    def endpoint(self) -> Endpoint:
        cluster = self.facts["clusters"][0]
        return Endpoint(
            address=cluster["hosts"][0]["address"],
            port=cluster["port"],
            use_tls=False,
            transport="ntlm",
            username=cluster["username"],
            password=cluster["password"],
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        url = self.facts["control_url"] + path
        request = urllib.request.Request(url, content, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            return json.load(reply)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        self.process.communicate(timeout=10)
        return self.process.returncode


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("lab"))
    yield running
    running.stop()


def read(lab: Running, timeout: float = 20) -> Any:
    return call(lab.endpoint(), scripts.load("fabric", "Get-HostInventory"), timeout=timeout)


@pytest.mark.parametrize(
    ("kind", "raised"),
    [("error", ScriptRefused), ("drop", RemotingError), ("garbage", BadReply)],
)
def test_a_fault_reaches_the_client_and_is_gone_when_it_is_used_up(
    lab: Running, kind: str, raised: type[Exception]
) -> None:
    fault = {"on": "Get-HostInventory", "kind": kind, "message": "Not today."}
    lab.control("POST", "/hosts/hci01-n1", {"faults": [fault]})

    with pytest.raises(raised):
        read(lab)

    lab.control("POST", "/hosts/hci01-n1", {"faults": []})
    assert read(lab)["host"]["name"] == "hci01-n1"


def test_a_host_that_hangs_answers_nobody_until_the_fault_is_gone(lab: Running) -> None:
    fault = {"on": "Get-VM", "kind": "hang", "times": 50}
    lab.control("POST", "/hosts/hci01-n1", {"faults": [fault]})

    with pytest.raises(TimedOut):
        read(lab, timeout=1)

    lab.control("POST", "/hosts/hci01-n1", {"faults": []})
    assert read(lab)["vms"]


def test_a_host_without_power_is_unreachable_until_it_is_back(lab: Running) -> None:
    lab.control("POST", "/hosts/hci01-n1", {"power": "off"})

    with pytest.raises(Unreachable):
        read(lab)

    lab.control("POST", "/hosts/hci01-n1", {"power": "on"})
    assert read(lab)["host"]["name"] == "hci01-n1"
    lab.control("POST", "/reset")


def test_what_was_called_is_counted(lab: Running) -> None:
    before = lab.control("GET", "/state")["calls"]

    read(lab)

    after = lab.control("GET", "/state")["calls"]
    counts = [c["scripts"].get("Get-HostInventory", 0) for c in (before, after)]
    assert counts[1] == counts[0] + 1
    assert after["requests"] > before["requests"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_and_is_found_where_it_was_and_as_it_was(
    tmp_path: Path, number: int
) -> None:
    first = Running(tmp_path)
    first.control("POST", "/vms/app-03", {"state": "Running"})
    assert first.stop(number) == 0

    second = Running(tmp_path)
    vms = second.control("GET", "/state")["clusters"][0]["vms"]
    assert second.facts == first.facts
    assert [vm["state"] for vm in vms if vm["name"] == "app-03"] == ["Running"]
    assert second.stop(number) == 0

"""A lab in a process of its own, and the portal's cluster that stands for it."""

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
import redis
from django.conf import settings
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.common.redis import client
from apps.fabric import services
from apps.fabric.models import Cluster
from apps.operations import execution
from apps.operations.models import Operation
from tests.people import People
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
DEFINITION = """
domain: test.example
guardian_services: [{name: hgs, mode: host-key, address: hgs.test.example, nodes: 2}]
timing: {powershell_start_ms: 0, cmdlet_ms: 0, move_ms: 0}
clusters:
  - name: alpha
    guardian: hgs
    credentials: {username: 'TEST\\ops', password: 'Correct.Horse.77'}
    nodes:
      - {name: alpha-1, memory_gib: 64, processors: 16}
      - {name: alpha-2, memory_gib: 64, processors: 16}
      - name: alpha-3
        memory_gib: 64
        attestation: {status: InsecureHostConfiguration, sub_status: [SecureBoot, BitLocker]}
    volumes: [{name: One, size_gib: 100, used_gib: 40}, {name: Two, size_gib: 50, used_gib: 10}]
    switches: [{name: Wide, type: External}, {name: Inner, type: Private}]
    vms:
      - {name: plain, node: alpha-1, state: Running, memory_gib: 2}
      - {name: secret, node: alpha-2, state: Running, memory_gib: 2, protection: shielded}
"""


class RunningLab:
    """`manage.py lab` on a data folder, until `stop`."""

    def __init__(self, folder: Path) -> None:
        definition = folder / "lab.yaml"
        definition.write_text(DEFINITION)
        self.process = subprocess.Popen(
            [
                sys.executable,
                "manage.py",
                "lab",
                "--data-dir",
                str(folder),
                "--definition",
                str(definition),
            ],
            cwd=ROOT,
            env=os.environ | {"FABRIC_DATA_DIR": str(folder)},
            stdout=subprocess.DEVNULL,
        )
        written = folder / "lab" / "lab.json"
        wait_for(written.exists, "lab.json is written", 60)
        self.facts = json.loads(written.read_text())

    def control(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.facts["control_url"] + path, content, method=method)  # noqa: S310
        with urllib.request.urlopen(asked, timeout=10) as reply:  # noqa: S310
            return json.load(reply)

    def host(self, name: str, **changes: Any) -> None:
        self.control("POST", f"/hosts/{name}", changes)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)

    @property
    def way(self) -> dict[str, Any]:
        """What it takes to add its cluster."""
        row = self.facts["clusters"][0]
        names = ("name", "address", "port", "use_tls", "transport", "username", "password")
        return {name: row[name] for name in names}


@pytest.fixture(scope="session")
def _running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    running = RunningLab(tmp_path_factory.mktemp("lab"))
    yield running
    running.stop()


@pytest.fixture
def lab(_running_lab: RunningLab) -> RunningLab:
    """The lab as its definition says."""
    _running_lab.control("POST", "/reset", {})
    return _running_lab


@pytest.fixture(scope="session")
def redis_server() -> Iterator[None]:
    """A Redis server where the settings look for one, unless there is one already."""
    try:
        client().ping()
        yield
        return
    except redis.RedisError:
        settings.FABRIC_REDIS_SOCKET.parent.mkdir(parents=True, exist_ok=True)
    socket = str(settings.FABRIC_REDIS_SOCKET)
    process = subprocess.Popen(
        ["redis-server", "--port", "0", "--save", "", "--unixsocket", socket],
        stdout=subprocess.DEVNULL,
    )
    wait_for(settings.FABRIC_REDIS_SOCKET.exists, "the Redis server")
    yield
    process.terminate()
    process.wait(10)


@pytest.fixture
def folk(db: None, redis_server: None) -> People:
    return People()


@pytest.fixture
def cluster(folk: People, lab: RunningLab) -> Cluster:
    """The lab's cluster, read once."""
    added = services.add_cluster(actor=folk.admin, **lab.way)
    return run_latest(added)


def run_latest(cluster: Cluster) -> Cluster:
    """Does what was asked last, as a worker would; the cluster's row afterwards."""
    execute(Operation.objects.latest("created_at"))
    cluster.refresh_from_db()
    return cluster


def execute(operation: Operation) -> Operation:
    execution.execute(operation.pk)
    operation.refresh_from_db()
    return operation


def refresh(cluster: Cluster, actor: User) -> Operation:
    return execute(services.refresh_cluster(actor=actor, cluster=cluster))


def api(user: User) -> APIClient:
    found = APIClient()
    found.force_authenticate(user)
    return found

"""The server as it runs: HTTP and HTTPS in one process, gone soon after it is told to stop."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.tls_port = folder, free_port(), free_port()
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FABRIC_", "DJANGO_"))}
        environment = kept | {"FABRIC_DATA_DIR": str(folder), "FABRIC_DEMO": "1"}
        command = [sys.executable, "manage.py", "serve", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--tls-port", str(self.tls_port)], cwd=ROOT, env=environment
        )
        wait_for(lambda: self.live() == 200, "the server", seconds=30)

    def live(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health/live/")
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def ask(self, path: str, **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    found = Running(tmp_path_factory.mktemp("served"))
    yield found
    found.process.kill()
    found.process.wait()


def test_https_answers_with_a_certificate_of_the_portals_own_authority(running: Running) -> None:
    trusted = ssl.create_default_context(cafile=str(running.folder / "tls" / "ca.pem"))
    connection = http.client.HTTPSConnection("127.0.0.1", running.tls_port, context=trusted)

    connection.request("GET", "/health/live/")

    assert connection.getresponse().status == 200
    connection.close()


def test_huge_headers_and_long_addresses_are_refused_and_it_lives_on(running: Running) -> None:
    assert running.ask("/health/live/", **{"X-Long": "a" * 100_000}) == 431
    assert running.ask("/health/live/?q=" + "y" * 60_000) == 414
    assert running.live() == 200


def test_the_keys_are_for_the_owner_alone(running: Running) -> None:
    keys = list((running.folder / "tls").glob("*.key"))

    assert len(keys) == 2
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in keys)


def test_it_ends_when_told_although_a_connection_stays_open(tmp_path: Path) -> None:
    found = Running(tmp_path)
    idle = socket.create_connection(("127.0.0.1", found.port))

    found.process.send_signal(signal.SIGINT)

    assert found.process.wait(timeout=15) == 0
    idle.close()

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.lab.wsman.server import Server

from .machines import Machines, started, two_machines


@pytest.fixture
def machines() -> Machines:
    return two_machines()


@pytest.fixture
def server(machines: Machines, tmp_path) -> Iterator[Server]:
    server = started(machines, tmp_path)
    yield server
    server.stop()

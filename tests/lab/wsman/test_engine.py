"""Any PowerShell text on a real engine, when the lab was started with one."""

from __future__ import annotations

import pytest

from apps.lab.wsman.server import free_port, serve
from tests.remoting.powershell import ENGINE, needs_engine

from .machines import N1, N2
from .test_clients import session


@pytest.fixture
def powershell(machines, tmp_path):
    ports = free_port(N1), free_port(N2)
    server = serve(machines, *ports, machines.run, state_dir=tmp_path, engine=ENGINE)
    yield session(server, "ntlm-http")
    server.stop()


@needs_engine
def test_a_text_that_the_lab_does_not_know_runs_on_the_engine(powershell):
    answer = powershell.run_ps("(1..4 | Measure-Object -Sum).Sum; exit 5")

    assert (answer.status_code, answer.std_out.strip()) == (5, b"10")


@needs_engine
def test_an_error_of_the_engine_comes_back_as_words(powershell):
    answer = powershell.run_ps("throw 'nicht heute'")

    assert answer.status_code == 1
    assert b"nicht heute" in answer.std_err

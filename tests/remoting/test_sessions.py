"""Kept shells: used again, cured when they have gone stale, given up when worn."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest

from apps.remoting import call, errors, scripts
from apps.remoting import pool as pools
from apps.remoting.sessions import ShellSession
from tests.lab.wsman.machines import N1

TRANSPORTS = ["ntlm-http", "ntlm-https", "basic-https"]
SCRIPT = scripts.from_text("Get-Answer", "'{}'\n")


@pytest.fixture(autouse=True)
def answering(machines):
    machines.behaviours[SCRIPT.text] = lambda parameters, emit, cancelled: "yes"


def shells(server) -> int:
    """Shells open on N1, as the server counts them."""
    return len(server._services["N1"].shells)


def test_the_shell_of_one_call_serves_the_next(server, endpoint, pool):
    for _ in range(3):
        call(endpoint(), SCRIPT, pool=pool)

    assert shells(server) == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_shell_that_the_host_has_deleted_is_replaced_unnoticed(
    server, machines, endpoint, pool, transport
):
    call(endpoint(transport), SCRIPT, pool=pool)
    server._services["N1"].shells.close()

    assert call(endpoint(transport), SCRIPT, pool=pool) == "yes"
    assert len(machines.runs) == 2


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_connection_that_the_host_has_closed_is_replaced_unnoticed(
    server, machines, endpoint, pool, transport
):
    call(endpoint(transport), SCRIPT, pool=pool)
    server.sever(N1)

    assert call(endpoint(transport), SCRIPT, pool=pool) == "yes"
    assert len(machines.runs) == 2


def test_a_refusal_of_the_script_keeps_the_shell(server, machines, endpoint, pool):
    call(endpoint(), SCRIPT, pool=pool)
    unknown = scripts.from_text("Get-Nothing", "'nothing'\n")

    with pytest.raises(errors.ScriptRefused):
        call(endpoint(), unknown, pool=pool)
    call(endpoint(), SCRIPT, pool=pool)

    assert shells(server) == 1


def test_a_worn_session_is_replaced_and_its_shell_deleted(server, endpoint, pool):
    call(endpoint(), SCRIPT, pool=pool)
    session = pool.take(endpoint())
    session.calls = pools.MAX_CALLS
    pool.give_back(session)

    assert shells(server) == 0
    assert pool.take(endpoint()) is not session


def test_another_password_is_another_session(endpoint, pool):
    call(endpoint(), SCRIPT, pool=pool)

    with pytest.raises(errors.SignInRefused):
        call(endpoint(password="changed"), SCRIPT, pool=pool)


def test_closing_the_pool_deletes_the_shells(server, endpoint, pool):
    call(endpoint(), SCRIPT, pool=pool)

    pool.close()

    assert shells(server) == 0


def test_a_script_that_may_have_run_is_never_repeated(server, machines, endpoint, pool):
    call(endpoint(), SCRIPT, pool=pool)

    def cut(parameters, emit, cancelled):
        server.sever(N1)
        cancelled.wait()

    machines.behaviours[SCRIPT.text] = cut

    with pytest.raises(errors.Unreachable):
        call(endpoint(), SCRIPT, pool=pool)
    assert len(machines.runs) == 2


def test_opening_twice_opens_one_shell(server, endpoint):
    session = ShellSession(endpoint())

    session.open()
    session.open()

    assert shells(server) == 1
    session.close()
    assert shells(server) == 0


def test_the_quota_of_shells_is_told_in_the_hosts_words(server, endpoint):
    kept = [ShellSession(endpoint()) for _ in range(31)]
    for session in kept[:30]:
        session.open()

    with pytest.raises(errors.Unreachable) as caught:
        kept[30].open()

    assert "maximum number of 30 concurrent shells" in caught.value.host_message
    for session in kept:
        session.close()


def test_a_process_that_ends_deletes_its_shells(server, endpoint):
    facts = dataclasses.asdict(endpoint())
    program = (
        "import json, sys\n"
        "from apps.remoting import Endpoint, call, scripts\n"
        "facts, text = json.load(sys.stdin)\n"
        "print(call(Endpoint(**facts), scripts.from_text('Get-Answer', text)))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps([facts, SCRIPT.text]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "yes\n", "")
    assert shells(server) == 0


def test_a_forked_child_leaves_its_parents_sessions_alone(server, endpoint):
    kept = pools.Pool()
    call(endpoint(), SCRIPT, pool=kept)

    kept.forget()  # what the child does first
    kept.close()

    assert shells(server) == 1

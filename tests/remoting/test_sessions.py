"""Kept sessions: used again, cured when they have gone stale, given up when worn."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import time

import pytest
import winrm.protocol

from apps.remoting import call, errors, scripts
from apps.remoting import pool as pools
from apps.remoting.protocol import KeptProtocol
from apps.remoting.sessions import Session
from apps.remoting.shell import Shell
from tests.lab.wsman.machines import N1
from tests.waiting import wait_for

TRANSPORTS = ["ntlm-http", "ntlm-https", "basic-https"]
SCRIPT = scripts.from_text("Get-Answer", "'{}'\n")
CHANGING = scripts.from_text("Set-Answer", "'{1}'\n")


@pytest.fixture(autouse=True)
def answering(machines):
    machines.behaviours[SCRIPT.text] = lambda parameters, emit, cancelled: "yes"
    machines.behaviours[CHANGING.text] = lambda parameters, emit, cancelled: "done"


@pytest.fixture(params=[True, False], ids=["warm", "fresh"])
def kept(request, endpoint):
    """Makes endpoints that keep PowerShell, and such as start one for each call."""

    def make(transport: str = "ntlm-http", **changes):
        return endpoint(transport, keeps_powershell=request.param, **changes)

    return make


def shells(server) -> int:
    """Shells open on N1, as the server counts them."""
    return len(server._services["N1"].shells)


def test_the_shell_of_one_call_serves_the_next(server, kept, pool):
    for _ in range(3):
        call(kept(), SCRIPT, pool=pool)

    assert shells(server) == 1


def test_a_warm_call_costs_one_send_and_one_receive(machines, endpoint, pool):
    call(endpoint(), SCRIPT, pool=pool)
    before = machines.by_address[N1].requests

    for _ in range(5):
        call(endpoint(), SCRIPT, pool=pool)

    assert machines.by_address[N1].requests - before == 10


def test_powershell_is_started_once_for_warm_calls_and_for_each_fresh_one(
    server, endpoint, pool, monkeypatch
):
    started = []
    start = Shell.start
    monkeypatch.setattr(
        Shell, "start", lambda self, *more: (started.append(self), start(self, *more))
    )

    for keeps_powershell in (True, False):
        for _ in range(3):
            call(endpoint(keeps_powershell=keeps_powershell), SCRIPT, pool=pool)

    assert len(started) == 1 + 3


@pytest.mark.parametrize("script", [SCRIPT, CHANGING], ids=["reading", "changing"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_shell_that_the_host_has_deleted_is_replaced_unnoticed(
    server, machines, kept, pool, transport, script
):
    call(kept(transport), SCRIPT, pool=pool)
    server._services["N1"].shells.close()

    assert call(kept(transport), script, pool=pool) in ("yes", "done")
    assert len(machines.runs) == 2


@pytest.mark.parametrize("script", [SCRIPT, CHANGING], ids=["reading", "changing"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_connection_that_the_host_has_closed_is_replaced_unnoticed(
    server, machines, kept, pool, transport, script
):
    call(kept(transport), SCRIPT, pool=pool)
    server.sever(N1)

    assert call(kept(transport), script, pool=pool) in ("yes", "done")
    assert len(machines.runs) == 2


@pytest.mark.parametrize("script", [SCRIPT, CHANGING], ids=["reading", "changing"])
def test_a_host_that_was_restarted_between_calls_is_not_noticed(machines, kept, pool, script):
    call(kept(), SCRIPT, pool=pool)
    machines.by_address[N1].booted_at += 1

    assert call(kept(), script, pool=pool) in ("yes", "done")
    assert len(machines.runs) == 2


def test_a_powershell_that_has_ended_is_replaced_unnoticed(server, machines, endpoint, pool):
    call(endpoint(), SCRIPT, pool=pool)
    for shell in server._services["N1"].shells.all():
        for command in shell.commands.values():
            command.cancel()

    assert call(endpoint(), SCRIPT, pool=pool) == "yes"


def test_a_refusal_of_the_script_keeps_the_session(server, machines, kept, pool):
    call(kept(), SCRIPT, pool=pool)
    unknown = scripts.from_text("Get-Nothing", "'nothing'\n")

    with pytest.raises(errors.ScriptRefused):
        call(kept(), unknown, pool=pool)
    call(kept(), SCRIPT, pool=pool)

    assert shells(server) == 1


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("calls", pools.MAX_CALLS),
        ("memory", pools.MAX_MEMORY + 1),
        ("created", time.monotonic() - pools.MAX_AGE - 1),
    ],
    ids=["calls", "memory", "age"],
)
def test_a_worn_session_is_replaced_and_its_shell_deleted(server, endpoint, pool, what, value):
    call(endpoint(), SCRIPT, pool=pool)
    session = pool.take(endpoint())
    setattr(session, what, value)
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


def _cut_while_running(server, machines, script) -> None:
    """Breaks the line in the middle of the next run of a script; the one after it works."""
    works = machines.behaviours[script.text]
    host = machines.by_address[N1]

    def cut(parameters, emit, cancelled):
        machines.behaviours[script.text] = works
        before = host.requests
        wait_for(lambda: host.requests > before, "the client waits for the answer")
        server.sever(N1)
        cancelled.wait()

    machines.behaviours[script.text] = cut


def test_a_change_that_may_have_run_is_never_repeated(server, machines, kept, pool):
    call(kept(), CHANGING, pool=pool)
    _cut_while_running(server, machines, CHANGING)

    with pytest.raises(errors.Unreachable):
        call(kept(), CHANGING, pool=pool)
    assert len(machines.runs) == 2
    assert call(kept(), CHANGING, pool=pool) == "done"


def test_a_reading_that_was_cut_off_is_asked_again(server, machines, kept, pool):
    call(kept(), SCRIPT, pool=pool)
    _cut_while_running(server, machines, SCRIPT)

    assert call(kept(), SCRIPT, pool=pool) == "yes"
    assert len(machines.runs) == 3


def test_a_script_is_sent_once_and_named_after_that(machines, endpoint, pool, monkeypatch):
    sent = []
    send = Shell.send
    monkeypatch.setattr(
        Shell,
        "send",
        lambda self, data, **more: (sent.append(len(data)), send(self, data, **more))[1],
    )
    large = scripts.from_text("Get-Answer", SCRIPT.text + "#" * 5000)
    machines.behaviours[large.text] = machines.behaviours[SCRIPT.text]

    for _ in range(2):
        call(endpoint(), large, pool=pool)

    assert sent[0] > 5000 > 500 > sent[1]


def test_opening_twice_opens_one_shell(server, endpoint):
    session = Session(endpoint())

    session.open()
    session.open()

    assert shells(server) == 1
    session.stop()
    assert shells(server) == 0


def test_the_quota_of_shells_is_told_in_the_hosts_words(server, endpoint):
    kept = [Session(endpoint()) for _ in range(31)]
    for session in kept[:30]:
        session.open()

    with pytest.raises(errors.Busy) as caught:
        kept[30].open()

    assert "maximum number of 30 concurrent shells" in caught.value.host_message
    for session in kept:
        session.stop()


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


def test_an_envelope_is_built_once_and_differs_by_its_id_and_payload(endpoint, pool, monkeypatch):
    sent = []
    send = KeptProtocol.send_message
    monkeypatch.setattr(
        KeptProtocol,
        "send_message",
        lambda self, message: (
            None if self._is_catching else sent.append(message),
            send(self, message),
        )[1],
    )
    built = []
    unparse = winrm.protocol.xmltodict.unparse
    monkeypatch.setattr(
        winrm.protocol.xmltodict, "unparse", lambda *a, **k: (built.append(a), unparse(*a, **k))[1]
    )

    for _ in range(4):
        call(endpoint("basic-https"), SCRIPT, pool=pool)

    ids = [re.search("MessageID>(.*?)</a:", envelope)[1] for envelope in sent]
    assert len(set(ids)) == len(ids) == len(built) + 2 * 3

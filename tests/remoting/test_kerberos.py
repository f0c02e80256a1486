"""Kerberos against a real key distribution centre."""

from __future__ import annotations

import dataclasses
import threading
import time

import pytest

from apps.lab.wsman.doors import Doors
from apps.remoting import call, errors, kerberos, probe, scripts, survey
from apps.remoting.kerberos import RENEW_BEFORE, Tickets
from tests import kdc as realm
from tests.lab.wsman.machines import N1, PASSWORD

SCRIPT = scripts.from_text("Get-Answer", "param([string]$Name)\n'{}'\n")
USER = "portal@fabric.test"
WAYS = ["kerberos-http", "kerberos-https"]


@pytest.fixture(scope="module")
def kdc(tmp_path_factory):
    yield from realm.running(tmp_path_factory)


@pytest.fixture(scope="module")
def keytab(kdc) -> str:
    kdc.add("portal", PASSWORD)
    kdc.add("stranger", PASSWORD)
    return kdc.keytab("HTTP/n1.fabric.test")


@pytest.fixture
def host(machines, keytab):
    machines.behaviours[SCRIPT.text] = lambda parameters, emit, cancelled: parameters.get("Name")
    host = machines.by_address[N1]
    host.doors = Doors(keytab=keytab)
    return host


@pytest.fixture
def way(host, endpoint, monkeypatch):
    """An endpoint by Kerberos with tickets of this test's own."""
    monkeypatch.setattr(kerberos, "TICKETS", Tickets())
    monkeypatch.setattr(kerberos.KerberosAuth.__init__, "__defaults__", (kerberos.TICKETS,))
    facts = {"username": USER, "service_name": "n1.fabric.test"}
    return lambda name="kerberos-http", **changes: endpoint(name, **(facts | changes))


@pytest.mark.parametrize("name", WAYS)
def test_large_parameters_and_a_large_answer_arrive_whole(way, pool, name):
    text = "ä✓" * 50_000

    assert call(way(name), SCRIPT, {"Name": text}, pool=pool) == text


@pytest.mark.parametrize("name", WAYS)
def test_the_probe_of_an_open_way_is_all_ok(way, name):
    assert all(step.ok for step in probe(way(name)))


@pytest.mark.parametrize("name", WAYS)
def test_a_connection_that_the_host_has_closed_is_signed_in_anew(server, way, pool, name):
    call(way(name), SCRIPT, pool=pool)
    server.sever(N1)

    assert call(way(name), SCRIPT, {"Name": "still there"}, pool=pool) == "still there"


def test_a_sign_in_is_bound_to_the_channel_where_the_host_insists(host, way, pool):
    host.doors = dataclasses.replace(host.doors, channel_binding="strict")

    assert call(way("kerberos-https"), SCRIPT, {"Name": "bound"}, pool=pool) == "bound"


def test_a_sign_in_that_is_bound_to_no_channel_passes_until_the_host_insists(
    host, way, pool, monkeypatch
):
    monkeypatch.setattr(kerberos, "_bindings", lambda response: None)
    assert call(way("kerberos-https"), SCRIPT, {"Name": "loose"}, pool=pool) == "loose"

    pool.close()
    host.doors = dataclasses.replace(host.doors, channel_binding="strict")
    refusal(way("kerberos-https"), pool)


def refusal(endpoint, pool) -> errors.SignInRefused:
    with pytest.raises(errors.SignInRefused) as caught:
        call(endpoint, SCRIPT, pool=pool)
    assert PASSWORD not in f"{caught.value}{caught.value.hint}{caught.value.host_message}"
    return caught.value


def test_a_wrong_password_gets_no_ticket(way, pool):
    problem = refusal(way(password="hunter2-hunter2"), pool)

    assert "gave portal@fabric.test no Kerberos ticket" in problem.message
    assert "Preauthentication failed" in problem.host_message or "password" in problem.host_message
    assert "hunter2" not in f"{problem}{problem.host_message}{problem.hint}"


def test_a_host_that_the_domain_does_not_know_is_named(way, pool):
    assert "HTTP/n7.fabric.test" in refusal(way(service_name="n7.fabric.test"), pool).hint


def test_an_account_of_the_realm_that_the_host_does_not_know_is_refused(way, pool):
    assert "refused the sign-in" in refusal(way(username="stranger@fabric.test"), pool).message


def test_one_ticket_serves_all_connections_and_threads(kdc, way, pool):
    before = kdc.tickets_issued("portal")
    gate = threading.Barrier(4)
    answers = []

    def ask():
        gate.wait(20)
        answers.append(call(way(), SCRIPT, {"Name": "me too"}, pool=pool))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == ["me too"] * 4
    assert kdc.tickets_issued("portal") - before == 1
    assert not kdc.ccache.exists()  # the process's default cache is nobody's business


def test_tickets_are_renewed_before_they_run_out(kdc, keytab):
    now = time.time()
    tickets = Tickets(clock=lambda: now)
    first = tickets.cache(USER, PASSWORD)
    now += 36_000 - RENEW_BEFORE - 60
    kept = tickets.cache(USER, PASSWORD)
    now += 120
    renewed = tickets.cache(USER, PASSWORD)

    assert first == kept != renewed


def test_credentials_share_no_tickets(kdc, keytab):
    kdc.add("other", "pw-other")
    tickets = Tickets()

    assert tickets.cache(USER, PASSWORD) != tickets.cache("other@fabric.test", "pw-other")


def test_a_survey_tells_that_the_host_takes_kerberos(way):
    assert "kerberos" in survey(way())[0].schemes


def test_a_host_that_cannot_prove_itself_is_refused(host, way, pool, kdc, monkeypatch):
    """Who only has the address, and not the host's key, can't make its answer."""
    import spnego

    step = spnego._gss.GSSAPIProxy.step

    def without_proof(self, token=None, **options):
        answer = step(self, token, **options)
        return None if self.usage == "accept" else answer

    monkeypatch.setattr(spnego._gss.GSSAPIProxy, "step", without_proof)

    assert "Kerberos sign-in to N1 failed" in refusal(way(), pool).message

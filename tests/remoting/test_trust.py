"""Whose certificate is believed."""

from __future__ import annotations

import pytest

from apps.lab.wsman.pki import Authority
from apps.remoting import call, errors, scripts
from apps.remoting.endpoint import Endpoint
from tests.lab.wsman.machines import N1, N2, Machine, Machines, started

SCRIPT = scripts.from_text("Get-Answer", "'{}'\n")


@pytest.fixture(autouse=True)
def answering(machines):
    machines.behaviours[SCRIPT.text] = lambda parameters, emit, cancelled: "yes"


def refusal(endpoint: Endpoint, pool) -> errors.Unreachable:
    with pytest.raises(errors.Unreachable) as caught:
        call(endpoint, SCRIPT, pool=pool)
    assert caught.value.step == "tls"
    return caught.value


@pytest.mark.parametrize("transport", ["ntlm-https", "basic-https"])
def test_a_confirmed_fingerprint_is_enough(server, endpoint, pool, transport):
    pinned = endpoint(transport, ca_certificate="", fingerprint=server.fingerprint(N1).upper())

    assert call(pinned, SCRIPT, pool=pool) == "yes"


def test_another_certificate_than_the_confirmed_one_is_refused(server, endpoint, pool):
    pinned = endpoint("ntlm-https", fingerprint=server.fingerprint(N2))

    assert "another certificate than the one that was confirmed" in refusal(pinned, pool).message


def test_a_certificate_of_another_authority_is_refused(endpoint, pool, tmp_path):
    other = Authority(tmp_path / "other").ca_file.read_text()

    problem = refusal(endpoint("basic-https", ca_certificate=other), pool)

    assert "no trusted authority" in problem.message


def test_without_authority_and_fingerprint_the_public_ones_decide(endpoint, pool):
    problem = refusal(endpoint("basic-https", ca_certificate=""), pool)

    assert "no trusted authority" in problem.message


def test_the_environment_adds_no_trust(server, endpoint, pool, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_file))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")

    problem = refusal(endpoint("basic-https", ca_certificate=""), pool)

    assert "no trusted authority" in problem.message


def test_a_certificate_for_another_name_is_refused(tmp_path, pool):
    machines = Machines({"127.0.0.1": Machine("N9", "n9.fabric.test")})
    server = started(machines, tmp_path / "n9")
    ca = server.ca_file.read_text()

    named = Endpoint("localhost", server.tls_port, True, "basic", "a", "b", ca, name="N9")
    problem = refusal(named, pool)
    server.stop()

    assert problem.message == "N9 shows a certificate that isn't made out to localhost."


@pytest.mark.parametrize(
    "changes",
    [
        {"transport": "basic", "use_tls": False},
        {"transport": "telepathy"},
        {"fingerprint": "abc"},
    ],
)
def test_an_endpoint_that_could_not_be_safe_is_no_endpoint(changes):
    facts = {
        "address": N1,
        "port": 5986,
        "use_tls": True,
        "transport": "ntlm",
        "username": "a",
        "password": "b",
    }

    with pytest.raises(ValueError, match=r"transport|TLS|fingerprint"):
        Endpoint(**(facts | changes))

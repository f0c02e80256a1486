"""The way to a host, step by step."""

from __future__ import annotations

import pytest

from apps.remoting import probe
from tests.lab.wsman.machines import N1


def outcome(steps) -> list[tuple[str, bool]]:
    return [(step.id, step.ok) for step in steps]


@pytest.mark.parametrize("transport", ["ntlm-http", "ntlm-https", "basic-https"])
def test_an_open_way_is_all_ok_and_leaves_no_shell(server, endpoint, transport):
    steps = probe(endpoint(transport))

    tls = ["tls"] if transport.endswith("https") else []
    assert outcome(steps) == [(s, True) for s in ["name", "tcp", *tls, "http", "sign-in"]]
    assert all(step.message and not step.fix for step in steps)
    assert len(server._services["N1"].shells) == 0


def test_an_unknown_name_fails_first(endpoint):
    (step,) = probe(endpoint(address="no-such-host.invalid"))

    assert (step.id, step.ok) == ("name", False)
    assert "DNS" in step.fix


def test_a_closed_port_fails_at_tcp(endpoint):
    assert outcome(probe(endpoint(port=9))) == [("name", True), ("tcp", False)]


@pytest.mark.parametrize("changes", [{"ca_certificate": ""}, {"fingerprint": "ab" * 32}])
def test_an_untrusted_certificate_fails_at_tls_and_shows_its_fingerprint(server, endpoint, changes):
    step = probe(endpoint("ntlm-https", **changes))[-1]

    assert (step.id, step.ok, step.fingerprint) == ("tls", False, server.fingerprint(N1))
    assert step.fix


def test_the_fingerprint_that_the_probe_shows_opens_the_way(endpoint):
    shown = probe(endpoint("ntlm-https", ca_certificate=""))[-1].fingerprint

    steps = probe(endpoint("ntlm-https", ca_certificate="", fingerprint=shown))

    assert all(step.ok for step in steps)


def test_tls_asked_of_the_plain_port_fails_at_tls(server, endpoint):
    step = probe(endpoint("ntlm-https", port=server.http_port))[-1]

    assert (step.id, step.ok) == ("tls", False)
    assert "5986" in step.fix


def test_a_host_that_is_off_fails_at_http(machines, endpoint):
    machines.by_address[N1].powered_on = False

    # the kernel may have the reset before or after it says that the connection is there
    assert outcome(probe(endpoint()))[-1] in {("tcp", False), ("http", False)}


def test_a_wrong_password_fails_at_sign_in(endpoint):
    step = probe(endpoint(password="wrong-wrong"))[-1]

    assert (step.id, step.ok) == ("sign-in", False)
    assert "wrong-wrong" not in step.message + step.fix

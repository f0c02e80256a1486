"""Every way in, from the portal's call to the host's answer."""

from __future__ import annotations

import dataclasses
import os
import ssl

import pytest

from apps.lab.wsman.doors import Doors
from apps.lab.wsman.pki import Authority
from apps.remoting import call, errors, probe, scripts, tls
from apps.remoting.endpoint import Endpoint
from tests.lab.wsman.machines import N1, PASSWORD, SUBJECT

WAYS = [
    "ntlm-http",
    "ntlm-https",
    "basic-https",
    "certificate-https",
    "credssp-http",
    "credssp-https",
]
SCRIPT = scripts.from_text("Get-Answer", "param([string]$Name)\n'{}'\n")


@pytest.fixture(autouse=True)
def answering(machines):
    machines.behaviours[SCRIPT.text] = lambda parameters, emit, cancelled: parameters.get("Name")


@pytest.mark.parametrize("way", WAYS)
def test_large_parameters_and_a_large_answer_arrive_whole(endpoint, pool, way):
    text = "ä✓" * 50_000

    assert call(endpoint(way), SCRIPT, {"Name": text}, pool=pool) == text


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_the_host_has_closed_is_signed_in_anew(
    server, machines, endpoint, pool, way
):
    call(endpoint(way), SCRIPT, pool=pool)
    server.sever(N1)

    assert call(endpoint(way), SCRIPT, {"Name": "still there"}, pool=pool) == "still there"


@pytest.mark.parametrize("way", WAYS)
def test_the_probe_of_an_open_way_is_all_ok(endpoint, way):
    assert all(step.ok for step in probe(endpoint(way)))


@pytest.mark.parametrize("way", ["ntlm-http", "basic-https", "credssp-http", "credssp-https"])
def test_a_wrong_password_is_refused_and_never_shown(endpoint, pool, way):
    problem = refusal(endpoint(way, password="hunter2-hunter2"), pool)

    assert "refused the sign-in of FABRIC\\portal" in problem.message
    assert "hunter2" not in f"{problem}{problem.hint}{problem.host_message}"


def test_a_host_where_credssp_is_off_says_how_to_switch_it_on(machines, endpoint, pool):
    way = endpoint("credssp-http")
    machines.by_address[N1].doors = Doors()

    assert "Enable-WSManCredSSP" in refusal(way, pool).hint


def test_a_sign_in_is_bound_to_the_channel_where_the_host_insists(machines, endpoint, pool):
    machines.by_address[N1].doors = Doors(channel_binding="strict")

    assert call(endpoint("ntlm-https"), SCRIPT, {"Name": "bound"}, pool=pool) == "bound"


def test_a_pinned_certificate_is_bound_to_as_well(server, machines, endpoint, pool):
    machines.by_address[N1].doors = Doors(channel_binding="strict")
    pinned = endpoint("ntlm-https", ca_certificate="", fingerprint=server.fingerprint(N1))

    assert call(pinned, SCRIPT, {"Name": "bound"}, pool=pool) == "bound"


def refusal(endpoint: Endpoint, pool) -> errors.SignInRefused:
    with pytest.raises(errors.SignInRefused) as caught:
        call(endpoint, SCRIPT, pool=pool)
    return caught.value


def test_a_certificate_that_is_mapped_to_no_account_is_refused(machines, endpoint, pool):
    machines.by_address[N1].doors = Doors()

    assert "certmapping" in refusal(endpoint("certificate-https"), pool).hint


def test_a_certificate_of_another_authority_is_refused(endpoint, pool, tmp_path):
    certificate, key = Authority(tmp_path / "other").client_certificate(SUBJECT)
    stranger = endpoint(
        "certificate-https", client_certificate=certificate.read_text(), client_key=key.read_text()
    )

    # The host ends the handshake; its word for why may be lost with the connection.
    with pytest.raises((errors.SignInRefused, errors.Unreachable)) as caught:
        call(stranger, SCRIPT, pool=pool)

    assert "certmapping" in caught.value.hint


def test_a_certificate_opens_nothing_for_a_fingerprint_that_is_not_the_hosts(endpoint, pool):
    with pytest.raises(errors.Unreachable, match="another certificate"):
        call(endpoint("certificate-https", fingerprint="ab" * 32), SCRIPT, pool=pool)


def test_the_key_of_a_client_certificate_lies_in_no_file(server, endpoint, monkeypatch):
    seen = []
    load = ssl.SSLContext.load_cert_chain

    def watched(self, certfile, keyfile=None, password=None):
        with open(certfile) as file:
            seen.append((os.path.realpath(certfile), file.read()))
        load(self, certfile, keyfile, password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    way = endpoint("certificate-https")

    tls.context.__wrapped__(
        "", is_pinned=True, client_certificate=way.client_certificate, client_key=way.client_key
    )

    ((path, content),) = seen
    assert path.startswith("/memfd:") and not os.path.exists(path)
    assert "BEGIN ENCRYPTED PRIVATE KEY" in content and "BEGIN PRIVATE KEY" not in content


@pytest.mark.parametrize("way", WAYS)
def test_an_endpoint_shows_no_secret(endpoint, way):
    shown = repr(endpoint(way))

    assert PASSWORD not in shown and "PRIVATE KEY" not in shown


@pytest.mark.parametrize("changes", [{"use_tls": False}, {"client_key": ""}])
def test_a_certificate_needs_tls_and_its_key(endpoint, changes):
    with pytest.raises(ValueError, match=r"TLS|client_key"):
        dataclasses.replace(endpoint("certificate-https"), **changes)

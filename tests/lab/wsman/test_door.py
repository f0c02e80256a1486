"""What the service lets in, byte by byte."""

from __future__ import annotations

import socket

import pytest
import requests
import winrm
from cryptography import x509

from apps.lab.wsman.pki import Authority
from apps.lab.wsman.server import serve

from .machines import N1, N2, PASSWORD, Machine, Machines

IDENTIFY = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body>'
    '<i:Identify xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"/>'
    "</s:Body></s:Envelope>"
)


@pytest.fixture
def plain(server):
    """Sends a request to the plain port with nothing from the environment."""
    with requests.Session() as session:
        session.trust_env = False
        url = f"http://{N1}:{server.http_port}/wsman"
        yield lambda method="POST", path="", **more: session.request(
            method, url + path, timeout=10, **more
        )


def conversation(port: int, data: bytes) -> bytes:
    """What the service answers to bytes, until it closes."""
    with socket.create_connection((N1, port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
        return answer


def test_nobody_is_let_in_without_a_sign_in(plain):
    answer = plain(data=IDENTIFY)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Negotiate"  # Basic would show the password


def test_identify_is_answered_to_everybody(plain):
    answer = plain(data=IDENTIFY, headers={"WSMANIDENTIFY": "unauthenticated"})

    assert answer.status_code == 200
    assert "Microsoft Corporation" in answer.text


@pytest.mark.parametrize("body", ["", "<a/>", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "\x00"])
def test_only_identify_passes_with_its_header(plain, body):
    assert plain(data=body, headers={"WSMANIDENTIFY": "unauthenticated"}).status_code == 401


def test_basic_is_refused_on_the_plain_port(plain):
    assert plain(auth=(b"portal", PASSWORD.encode()), data="x").status_code == 401


def test_an_envelope_that_is_not_sealed_is_refused_on_the_plain_port(server):
    protocol = winrm.Protocol(
        f"http://{N1}:{server.http_port}/wsman",
        transport="ntlm",
        username="portal",
        password=PASSWORD,
        message_encryption="never",
        ca_trust_path="",
        proxy=None,
    )

    with pytest.raises(winrm.exceptions.WinRMTransportError) as caught:
        protocol.open_shell()

    assert caught.value.code == 500


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "", 405), ("POST", "/else", 404), ("PUT", "", 405)]
)
def test_other_methods_and_paths_are_not_served(plain, method, path, status):
    assert plain(method, path).status_code == status


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01", b"400"),
        (b"POST /wsman HTTP/3\r\n\r\n", b"400"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n", b"413"),
        (b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST /wsman HTTP/1.1\r\nA: " + b"b" * 70_000, b"431"),
    ],
)
def test_bytes_that_are_no_request_are_answered_once_and_closed(server, data, status):
    assert conversation(server.http_port, data).startswith(b"HTTP/1.1 " + status)


def test_a_token_that_is_nonsense_is_refused(plain):
    for value in ("Negotiate !!!", "Negotiate TlRMTVNTUAADAAAA", "Bearer abc", "Basic"):
        assert plain(headers={"Authorization": value}, data="x").status_code == 401


def test_a_machine_that_is_off_resets_the_connection(server, machines, plain):
    machines.by_address[N1].powered_on = False

    with pytest.raises(requests.ConnectionError):
        plain(data=IDENTIFY)


def test_the_lab_answers_on_loopback_addresses_only(tmp_path):
    outside = Machines({"192.0.2.1": Machine("N1", "n1.fabric.test")})

    with pytest.raises(ValueError, match="loopback only"):
        serve(outside, 0, 0, outside.run, state_dir=tmp_path)


def test_a_port_that_is_taken_is_told_at_the_start(server, machines, tmp_path):
    with pytest.raises(OSError, match=r"address already in use|Address already in use"):
        serve(machines, server.http_port, server.tls_port, machines.run, state_dir=tmp_path / "b")


def test_certificates_carry_every_name_and_outlive_a_restart(tmp_path):
    names = ["n1.fabric.test", "n1"]

    first = Authority(tmp_path).certificate_for(N1, names)
    again = Authority(tmp_path).certificate_for(N1, names)
    renamed = Authority(tmp_path).certificate_for(N1, ["n9.fabric.test"])

    san = x509.load_der_x509_certificate(first.der).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert san.value.get_values_for_type(x509.DNSName) == names
    assert [str(a) for a in san.value.get_values_for_type(x509.IPAddress)] == [N1]
    assert first.fingerprint == again.fingerprint != renamed.fingerprint


def test_a_shell_is_used_by_its_owner_only(server, machines):
    machines.by_address[N1].accounts.append(
        type(machines.by_address[N1].accounts[0])("other", "pw-other", "FABRIC", "fabric.test")
    )
    owner, other = (
        winrm.Protocol(
            f"http://{N1}:{server.http_port}/wsman",
            transport="ntlm",
            username=f"FABRIC\\{name}",
            password=password,
            ca_trust_path="",
            proxy=None,
        )
        for name, password in (("portal", PASSWORD), ("other", "pw-other"))
    )
    shell = owner.open_shell()

    with pytest.raises(winrm.exceptions.WSManFaultError) as caught:
        other.run_command(shell, "hostname")

    assert caught.value.wsman_fault_code == 2150858843
    assert machines.by_address[N2].requests == 0

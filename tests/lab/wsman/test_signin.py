"""Which sign-ins a simulated host takes, by pywinrm as people have it."""

from __future__ import annotations

import pytest
import requests
import requests_ntlm
import winrm
from winrm.exceptions import InvalidCredentialsError

from apps.lab.wsman.doors import CertificateMapping, Doors
from apps.lab.wsman.pki import Authority

from .machines import N1, PASSWORD, SUBJECT


def hostname(server, *, transport: str, **options) -> bytes:
    session = winrm.Session(
        f"https://{N1}:{server.tls_port}/wsman",
        auth=(options.pop("user", "FABRIC\\portal"), PASSWORD),
        transport=transport,
        ca_trust_path=str(server.ca_file),
        proxy=None,
        **options,
    )
    return session.run_cmd("hostname").std_out


def by_certificate(server, subject: str = SUBJECT, files=None) -> bytes:
    certificate, key = files or server.client_certificate(subject)
    return hostname(
        server, transport="certificate", cert_pem=str(certificate), cert_key_pem=str(key)
    )


def test_a_mapped_certificate_signs_its_account_in(server):
    assert by_certificate(server) == b"N1\r\n"


@pytest.mark.parametrize(
    "mapping",
    [CertificateMapping("somebody@else.test", "portal"), CertificateMapping(SUBJECT, "nobody")],
)
def test_a_certificate_without_a_mapping_or_an_account_is_refused(server, machines, mapping):
    machines.by_address[N1].doors = Doors(certificates=[mapping])

    with pytest.raises(InvalidCredentialsError):
        by_certificate(server)


def test_the_certificate_of_an_authority_that_the_mapping_does_not_name_is_refused(
    server, machines, tmp_path
):
    other = Authority(tmp_path / "other")
    machines.by_address[N1].doors = Doors(
        certificates=[CertificateMapping("else@fabric.test", "portal")]
    )

    with pytest.raises((InvalidCredentialsError, winrm.exceptions.WinRMTransportError, OSError)):
        by_certificate(server, files=other.client_certificate(SUBJECT))


def test_the_shell_of_a_certificate_is_its_accounts_and_no_others(server):
    """Whoever signs in, and how: a shell belongs to the account."""
    certificate, key = server.client_certificate(SUBJECT)
    common = {"ca_trust_path": str(server.ca_file), "proxy": None}
    url = f"https://{N1}:{server.tls_port}/wsman"
    first = winrm.Protocol(
        url, transport="certificate", cert_pem=str(certificate), cert_key_pem=str(key), **common
    )
    again = winrm.Protocol(
        url, transport="ntlm", username="portal@fabric.test", password=PASSWORD, **common
    )
    shell = first.open_shell()

    assert again.run_command(shell, "hostname")


def test_the_word_certificate_alone_opens_nothing(server, machines):
    answer = requests.post(
        f"https://{N1}:{server.tls_port}/wsman",
        headers={
            "Authorization": "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
        },
        data=b"<a/>",
        verify=str(server.ca_file),
        proxies={"https": ""},
        timeout=10,
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("hardening", ["none", "relaxed", "strict"])
def test_a_sign_in_that_is_bound_to_the_channel_passes_everywhere(server, machines, hardening):
    machines.by_address[N1].doors = Doors(channel_binding=hardening)

    assert hostname(server, transport="ntlm") == b"N1\r\n"


def test_a_sign_in_that_is_bound_to_no_channel_passes_until_the_host_insists(server, machines):
    machines.by_address[N1].doors = Doors(channel_binding="relaxed")
    assert hostname(server, transport="ntlm", send_cbt=False) == b"N1\r\n"

    machines.by_address[N1].doors = Doors(channel_binding="strict")
    with pytest.raises(InvalidCredentialsError):
        hostname(server, transport="ntlm", send_cbt=False)


@pytest.mark.parametrize("hardening", ["relaxed", "strict"])
def test_a_sign_in_that_was_made_for_another_channel_is_refused(
    server, machines, monkeypatch, hardening
):
    """What a relay gets when it carries a sign-in from its own TLS channel to the host's."""
    machines.by_address[N1].doors = Doors(channel_binding=hardening)
    monkeypatch.setattr(
        requests_ntlm.HttpNtlmAuth, "_get_server_cert", lambda self, response: bytes(32)
    )

    with pytest.raises(InvalidCredentialsError):
        hostname(server, transport="ntlm")


def test_basic_may_be_closed(server, machines):
    machines.by_address[N1].doors = Doors(basic=False)

    with pytest.raises(InvalidCredentialsError):
        hostname(server, transport="basic", user="portal")

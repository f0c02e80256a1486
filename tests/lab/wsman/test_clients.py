"""Clients as people have them, unchanged, against the lab."""

from __future__ import annotations

import pypsrp.client
import pytest
import winrm
from winrm.exceptions import InvalidCredentialsError

from .machines import N1, N2, PASSWORD

USER = "FABRIC\\portal"
TRANSPORTS = ["ntlm-http", "ntlm-https", "basic-https"]


def session(
    server, transport: str, address: str = N1, password: str = PASSWORD, user: str = USER
) -> winrm.Session:
    method, scheme = transport.split("-")
    port = server.tls_port if scheme == "https" else server.http_port
    return winrm.Session(
        f"{scheme}://{address}:{port}/wsman",
        auth=(user, password),
        transport=method,
        ca_trust_path=str(server.ca_file),
        proxy=None,
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_pywinrm_runs_a_command(server, transport):
    answer = session(server, transport).run_cmd("hostname")

    assert (answer.status_code, answer.std_out, answer.std_err) == (0, b"N1\r\n", b"")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_pywinrm_runs_powershell(server, transport):
    answer = session(server, transport).run_ps("1+1")

    assert (answer.status_code, answer.std_out) == (0, b"2\r\n")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_wrong_password_is_refused(server, transport):
    with pytest.raises(InvalidCredentialsError):
        session(server, transport, password="wrong").run_cmd("hostname")


def test_each_address_is_its_own_machine(server):
    assert session(server, "ntlm-http", N2).run_cmd("hostname").std_out == b"N2\r\n"


def test_an_account_of_one_machine_opens_no_other(server, machines):
    machines.by_address[N2].accounts = []

    with pytest.raises(InvalidCredentialsError):
        session(server, "ntlm-http", N2).run_cmd("hostname")


@pytest.mark.parametrize("username", ["portal", "portal@fabric.test", "N1\\portal"])
def test_an_account_may_be_written_in_every_usual_way(server, username):
    client = session(server, "ntlm-http", user=username)

    assert client.run_cmd("whoami").std_out == b"fabric\\portal\r\n"


def test_an_unknown_command_is_refused_in_the_words_of_powershell(server):
    answer = session(server, "ntlm-http").run_ps("Get-Unicorn -All")

    assert answer.status_code == 1
    assert b"The term 'Get-Unicorn' is not recognized as the name of a cmdlet" in answer.std_err


def test_a_command_line_longer_than_cmd_takes_is_refused(server):
    answer = session(server, "ntlm-http").run_ps("'" + "x" * 3100 + "'")

    assert (answer.status_code, answer.std_err) == (1, b"The command line is too long.\r\n")


def test_output_comes_in_the_code_page_of_the_shell(server):
    protocol = session(server, "ntlm-http").protocol
    shells = [protocol.open_shell(), protocol.open_shell(codepage=65001)]

    outputs = []
    for shell in shells:
        command = protocol.run_command(shell, "echo", ["hällo"])
        outputs.append(protocol.get_command_output(shell, command)[0])

    assert outputs == ["hällo\r\n".encode("cp437"), "hällo\r\n".encode()]


@pytest.mark.parametrize(
    ("auth", "ssl"), [("ntlm", False), ("negotiate", False), ("ntlm", True), ("basic", True)]
)
def test_pypsrp_runs_a_command(server, auth, ssl):
    client = pypsrp.client.Client(
        N1,
        username="FABRIC\\portal",
        password=PASSWORD,
        port=server.tls_port if ssl else server.http_port,
        ssl=ssl,
        auth=auth,
        cert_validation=str(server.ca_file),
        no_proxy=True,
    )

    with client:
        output, errors, code = client.execute_cmd("exit 3")

    assert (output, errors, code) == ("", "", 3)

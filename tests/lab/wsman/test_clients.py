"""Clients as people have them, unchanged, against the lab."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys

import pypsrp.client
import pytest
import winrm
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan
from requests_credssp.exceptions import NTStatusException
from winrm.exceptions import InvalidCredentialsError

from .machines import N1, N2, PASSWORD, SUBJECT

USER = "FABRIC\\portal"
WITH_PASSWORD = ["ntlm-http", "ntlm-https", "basic-https", "credssp-http", "credssp-https"]
TRANSPORTS = [*WITH_PASSWORD, "certificate-https"]


@pytest.fixture(autouse=True)
def every_door_open(machines):
    for machine in machines.by_address.values():
        machine.doors = dataclasses.replace(machine.doors, credssp=True)


def session(
    server, transport: str, address: str = N1, password: str = PASSWORD, user: str = USER
) -> winrm.Session:
    method, scheme = transport.split("-")
    port = server.tls_port if scheme == "https" else server.http_port
    files = server.client_certificate(SUBJECT) if method == "certificate" else (None, None)
    certificate, key = (str(file) if file else None for file in files)
    return winrm.Session(
        f"{scheme}://{address}:{port}/wsman",
        auth=(user, password),
        transport=method,
        cert_pem=certificate,
        cert_key_pem=key,
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
def test_pywinrm_sends_and_gets_more_than_one_envelope_holds(server, machines, transport):
    machines.behaviours["big"] = lambda parameters, emit, cancelled: "é" * 200_000
    protocol = session(server, transport).protocol
    shell = protocol.open_shell(codepage=65001)

    command = protocol.run_command(shell, "powershell.exe", ["-Command", "big"])
    protocol.send_command_input(shell, command, b"x" * 100_000)
    output, _, code = protocol.get_command_output(shell, command)
    protocol.cleanup_command(shell, command)
    protocol.close_shell(shell)

    assert (json.loads(output), code) == ("é" * 200_000, 0)


@pytest.mark.parametrize("transport", WITH_PASSWORD)
def test_a_wrong_password_is_refused(server, transport):
    with pytest.raises((InvalidCredentialsError, NTStatusException)):
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


@pytest.fixture
def pypsrp_options(server):
    """What pypsrp's clients take, for a way such as "ntlm-http"."""

    def options(way: str) -> dict:
        auth, scheme = way.split("-")
        certificate, key = server.client_certificate(SUBJECT)
        who = {"username": "FABRIC\\portal", "password": PASSWORD}
        if auth == "certificate":
            who = {"certificate_pem": str(certificate), "certificate_key_pem": str(key)}
        return who | {
            "port": server.tls_port if scheme == "https" else server.http_port,
            "ssl": scheme == "https",
            "auth": auth,
            "cert_validation": str(server.ca_file),
            "no_proxy": True,
        }

    return options


PYPSRP = [*TRANSPORTS, "negotiate-http", "negotiate-https"]


@pytest.mark.parametrize("way", PYPSRP)
def test_pypsrp_runs_a_command(pypsrp_options, way):
    with pypsrp.client.Client(N1, **pypsrp_options(way)) as client:
        output, errors, code = client.execute_cmd("echo out& echo no>&2& exit 3")

    assert (output, errors, code) == ("out\r\n", "no\r\n", 3)


@pytest.mark.parametrize("way", PYPSRP)
def test_pypsrps_shells_feed_a_process_and_read_it_to_its_end(pypsrp_options, way):
    with WSMan(N1, **pypsrp_options(way)) as wsman, WinRS(wsman, codepage=65001) as shell:
        process = Process(shell, "powershell.exe", ["-"])
        process.begin_invoke()
        process.send(b"Write-Output 'one'\n", end=False)
        process.send("Write-Output 'zwölf'\n".encode(), end=True)
        process.end_invoke()
        process.signal(SignalCode.CTRL_C)

    assert (process.stdout.decode(), process.rc) == ("one\r\nzwölf\r\n", 0)


RAW = ["n1", "-m", "raw", "-a", "hostname"]


@pytest.mark.parametrize("way", ["ntlm-http", "ntlm-https", "basic-https", "credssp-https"])
def test_ansible_runs_a_raw_command(server, tmp_path, way):
    """In a process of its own: Ansible changes its process's locale, signals and loaders."""
    if importlib.util.find_spec("ansible") is None:
        pytest.skip("Ansible isn't installed here: pip install -r requirements-dev.txt")
    method, scheme = way.split("-")
    inventory = tmp_path / "hosts.json"
    host = {
        "ansible_host": N1,
        "ansible_port": server.tls_port if scheme == "https" else server.http_port,
        "ansible_user": "FABRIC\\portal",
        "ansible_password": PASSWORD,
        "ansible_connection": "winrm",
        "ansible_winrm_scheme": scheme,
        "ansible_winrm_transport": method,
        "ansible_winrm_ca_trust_path": str(server.ca_file),
    }
    inventory.write_text(json.dumps({"all": {"hosts": {"n1": host}}}))

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ansible",
            "adhoc",
            "-i",
            inventory,
            "n1",
            "-m",
            "raw",
            "-a",
            "hostname",
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "n1 | CHANGED | rc=0" in done.stdout and "N1" in done.stdout.split(">>")[1]

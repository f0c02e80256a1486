"""Shells, commands and faults as [MS-WSMV] has them, asked by clients and byte by byte."""

from __future__ import annotations

import base64
import dataclasses
import uuid
from xml.etree.ElementTree import Element

import pytest
import requests
import winrm
from defusedxml.ElementTree import fromstring
from pypsrp.shell import Process, SignalCode, WinRS
from pypsrp.wsman import WSMan

from apps.lab.wsman import soap

from .machines import N1, PASSWORD

NAMES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "rsp": soap.SHELL,
    "cfg": soap.CONFIG,
}
HEADER = """<a:Action>{action}</a:Action><a:MessageID>uuid:{id}</a:MessageID>
<w:ResourceURI>{resource}</w:ResourceURI><w:MaxEnvelopeSize>{size}</w:MaxEnvelopeSize>
<w:OperationTimeout>PT5S</w:OperationTimeout>
<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>"""
ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"'
    ' xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell">'
    "<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
)


class Client:
    """Sends envelopes that no client would write."""

    def __init__(self, server) -> None:
        self._url = f"https://{N1}:{server.tls_port}/wsman"
        self._ca = str(server.ca_file)

    def post(self, data: str | bytes) -> requests.Response:
        return requests.post(
            self._url, data=data, auth=(b"portal", PASSWORD.encode()), verify=self._ca,
            headers={"Content-Type": "application/soap+xml;charset=UTF-8"},
            proxies={"https": ""}, timeout=30,
        )  # fmt: skip

    def ask(self, action: str, body: str = "", **header) -> Element:
        return fromstring(self.send(action, body, **header))

    def send(self, action: str, body: str = "", **header) -> bytes:
        facts = {
            "id": uuid.uuid4(), "resource": soap.CMD_SHELL, "size": 153_600, "shell": "",
        }  # fmt: skip
        text = HEADER.format(action=action, **(facts | header))
        return self.post(ENVELOPE.format(header=text, body=body)).content

    def open(self, body: str = "<rsp:Shell/>") -> str:
        return self.ask(soap.CREATE, body).findtext(".//rsp:ShellId", "", NAMES)

    def run(self, shell: str, line: str) -> str:
        body = f"<rsp:CommandLine><rsp:Command>{line}</rsp:Command></rsp:CommandLine>"
        answer = self.ask(soap.COMMAND, body, shell=shell)
        return answer.findtext(".//rsp:CommandId", "", NAMES)


@pytest.fixture
def client(server) -> Client:
    return Client(server)


@pytest.fixture
def winrs(server):
    """pypsrp's shells: `with winrs(working_directory="C:\\") as shell:`."""
    wsman = WSMan(
        N1, port=server.tls_port, ssl=True, auth="basic", username="portal", password=PASSWORD,
        cert_validation=str(server.ca_file), no_proxy=True, operation_timeout=5,
    )  # fmt: skip
    with wsman:
        yield lambda **options: WinRS(wsman, **options)


def fault(answer: Element) -> tuple[str, int, str]:
    """(subcode, number, last part of the fault detail)."""
    detail = answer.findtext(".//w:FaultDetail", "", NAMES)
    return (
        answer.findtext(".//s:Subcode/s:Value", "", NAMES),
        int(answer.find(".//f:WSManFault", NAMES).get("Code")),
        detail.rpartition("/")[2],
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"action": "http://nowhere/Dance"}, ("a:ActionNotSupported", 2150858771, "")),
        (
            {"action": soap.CREATE, "resource": "http://nowhere/shell"},
            ("a:DestinationUnreachable", 2150858752, "InvalidResourceURI"),
        ),
        (
            {"action": soap.CREATE, "size": 8191},
            ("w:EncodingLimit", 2150858878, "MinimumEnvelopeLimit"),
        ),
        (
            {"action": soap.COMMAND, "shell": "11111111-2222-3333-4444-555555555555"},
            ("w:InvalidSelectors", 2150858843, "UnexpectedSelectors"),
        ),
    ],
)
def test_a_request_that_cannot_be_done_gets_the_fault_of_windows(client, asked, expected):
    assert fault(client.ask(**asked)) == expected


@pytest.mark.parametrize("data", ["", "<a/>", "no xml", "<!DOCTYPE a><a/>", b"\xff\xfe"])
def test_what_is_no_envelope_is_told_so(client, data):
    if data == "":
        assert client.post(data).status_code == 200  # the empty request that sets up sealing
        return
    answer = client.post(data)

    assert answer.status_code == 500
    assert fault(fromstring(answer.content)) == ("w:SchemaValidationError", 2150858817, "")


def test_an_envelope_without_the_headers_of_addressing_is_told_so(client):
    answer = client.post(ENVELOPE.format(header="", body=""))

    assert fault(fromstring(answer.content))[:2] == (
        "a:MessageInformationHeaderRequired",
        2150858769,
    )


def test_a_fault_names_the_request_that_it_answers(client):
    number = uuid.uuid4()
    answer = client.ask("http://nowhere/Dance", id=number)

    related = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}RelatesTo"
    assert answer.findtext(f".//{related}") == f"uuid:{number}"


def test_a_request_above_the_hosts_limit_is_turned_away_with_413(machines, client):
    host = machines.by_address[N1]
    host.doors = dataclasses.replace(host.doors, max_envelope_kib=64)

    sizes = {size: client.post(b"x" * size).status_code for size in (64 * 1024, 64 * 1024 + 1)}

    assert sizes == {65_536: 500, 65_537: 413}


def test_no_answer_is_larger_than_the_client_or_the_host_says(server, machines, client):
    text = "ab" * 40_000
    machines.behaviours["big"] = lambda parameters, emit, cancelled: text
    shell = client.open()
    command = client.run(shell, "powershell.exe -Command big")
    stream = f'<rsp:DesiredStream CommandId="{command}">stdout stderr</rsp:DesiredStream>'
    wanted = {"shell": shell, "size": 8192}

    answers = [b""]
    while b"CommandState/Done" not in answers[-1]:
        answers.append(client.send(soap.RECEIVE, f"<rsp:Receive>{stream}</rsp:Receive>", **wanted))

    assert max(map(len, answers)) <= 8192 and len(answers) > 10
    assert b"".join(map(stdout, answers[1:])) == f'"{text}"\r\n'.encode()


def stdout(envelope: bytes) -> bytes:
    pieces = fromstring(envelope).findall(".//rsp:Stream[@Name='stdout']", NAMES)
    return b"".join(base64.b64decode(piece.text or "") for piece in pieces)


def test_the_configuration_is_what_the_host_lets_in(machines, client):
    host = machines.by_address[N1]
    host.doors = dataclasses.replace(
        host.doors, credssp=True, channel_binding="strict", max_envelope_kib=150
    )

    told = client.ask("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", resource=soap.CONFIG)

    def value(path: str) -> str:
        return told.findtext(f".//cfg:Config/{path}", "", NAMES)

    assert value("cfg:MaxEnvelopeSizekb") == "150"
    assert value("cfg:Service/cfg:AllowUnencrypted") == "false"
    assert value("cfg:Service/cfg:Auth/cfg:CredSSP") == "true"
    assert value("cfg:Service/cfg:Auth/cfg:CbtHardeningLevel") == "Strict"
    assert value("cfg:Winrs/cfg:MaxShellsPerUser") == "30"


def test_pypsrp_learns_how_much_the_host_takes(winrs):
    shell = winrs()
    shell.wsman.update_max_payload_size()

    assert shell.wsman.max_envelope_size == 500 * 1024


def test_a_shell_says_of_itself_what_the_client_asked_for(client):
    body = (
        "<rsp:Shell><rsp:InputStreams>stdin</rsp:InputStreams>"
        "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams><rsp:Environment>"
        '<rsp:Variable Name="A">1 &amp; 2</rsp:Variable></rsp:Environment>'
        "<rsp:IdleTimeOut>PT90S</rsp:IdleTimeOut><rsp:Name>mine</rsp:Name>"
        "<rsp:WorkingDirectory>C:\\Temp</rsp:WorkingDirectory></rsp:Shell>"
    )
    created = client.ask(soap.CREATE, body).find(".//rsp:Shell", NAMES)
    got = client.ask(
        "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get",
        shell=created.findtext("rsp:ShellId", "", NAMES),
    ).find(".//rsp:Shell", NAMES)

    for shell in (created, got):
        parts = [child.tag.rpartition("}")[2] for child in shell]
        assert parts == [
            "ShellId", "Name", "ResourceUri", "Owner", "ClientIP", "Environment",
            "WorkingDirectory", "IdleTimeOut", "InputStreams", "OutputStreams", "ShellRunTime",
            "ShellInactivity",
        ]  # fmt: skip
        assert shell.findtext("rsp:IdleTimeOut", "", NAMES) == "PT90.000S"
        assert shell.findtext("rsp:Environment/rsp:Variable", "", NAMES) == "1 & 2"


def test_a_shell_that_was_idle_for_as_long_as_it_may_be_is_gone(server, client):
    shell = client.open("<rsp:Shell><rsp:IdleTimeOut>PT60S</rsp:IdleTimeOut></rsp:Shell>")
    kept = server._services["N1"].shells
    (found,) = kept.all()
    found.used -= 61

    client.open()

    assert shell not in [one.id for one in kept.all()]


def test_the_31st_shell_of_a_user_is_refused(client):
    for _ in range(30):
        assert client.open()

    assert fault(client.ask(soap.CREATE, "<rsp:Shell/>"))[:2] == ("w:QuotaLimit", 2150859173)


def test_the_26th_process_of_a_shell_is_refused(client):
    shell = client.open()
    line = "<rsp:CommandLine><rsp:Command>hostname</rsp:Command></rsp:CommandLine>"

    answers = [client.ask(soap.COMMAND, line, shell=shell) for _ in range(26)]

    assert all(one.find(".//rsp:CommandId", NAMES) is not None for one in answers[:25])
    assert fault(answers[25])[:2] == ("w:InternalError", 2150859241)


def test_variables_of_the_shell_and_both_streams_reach_the_client(winrs):
    with winrs(environment={"GREETING": "hällo"}, codepage=65001) as shell:
        process = Process(shell, "echo %GREETING%& echo no>&2& exit 3")
        process.invoke()
        process.signal(SignalCode.CTRL_C)

    assert (process.stdout.decode(), process.stderr, process.rc) == ("hällo\r\n", b"no\r\n", 3)


@pytest.mark.parametrize(("console", "ends"), [(True, True), (False, False)])
def test_ctrl_c_reaches_only_a_process_that_has_a_console(server, machines, console, ends):
    machines.behaviours["wait"] = lambda parameters, emit, cancelled: cancelled.wait()
    protocol = winrm.Protocol(
        f"https://{N1}:{server.tls_port}/wsman", transport="basic", username="portal",
        password=PASSWORD, ca_trust_path=str(server.ca_file), proxy=None, operation_timeout_sec=1,
    )  # fmt: skip
    shell = protocol.open_shell()
    command = protocol.run_command(
        shell, "powershell.exe", ["-Command", "wait"], console_mode_stdin=console
    )
    code = f"<rsp:Code>{soap.SHELL}/signal/ctrl_c</rsp:Code>"
    body = f'<rsp:Signal CommandId="{command}">{code}</rsp:Signal>'

    Client(server).ask(soap.SIGNAL, body, shell=shell)

    (kept,) = server._services["N1"].shells.all()
    assert (command not in kept.commands) is ends
    protocol.cleanup_command(shell, command)
    assert kept.commands == {}

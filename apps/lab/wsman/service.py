"""WS-Management's shell operations on one host, from Create to Delete."""

from __future__ import annotations

import base64
import binascii
import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from apps.lab.wsman import faults, soap
from apps.lab.wsman.config import config
from apps.lab.wsman.hosts import WsmanHost
from apps.lab.wsman.programs import Programs
from apps.lab.wsman.shells import Command, Shell, Shells

_GIVEN = (
    "Name", "Environment", "WorkingDirectory", "Lifetime", "InputStreams", "OutputStreams",
)  # fmt: skip
_ENVELOPE_OVERHEAD = 2_500  # header, namespaces, stream elements of a ReceiveResponse


class ConnectionCut(Exception):
    """The host broke off: close the connection without an answer."""


@dataclass(frozen=True)
class Caller:
    """Who asks, and from where."""

    principal: str
    address: str


class Service:
    """One host's shells and what can be asked of them; all calls on the service's loop."""

    def __init__(self, host: WsmanHost, programs: Programs) -> None:
        self.host = host
        self.shells = Shells()
        self._booted_at = host.booted_at
        self._programs = programs
        self._actions: dict[str, Callable[[soap.Envelope, Caller], Awaitable[str]]] = {
            soap.GET: self._get,
            soap.CREATE: self._create,
            soap.COMMAND: self._command,
            soap.SEND: self._send,
            soap.RECEIVE: self._receive,
            soap.SIGNAL: self._signal,
            soap.DELETE: self._delete,
        }

    async def answer(self, data: bytes, caller: Caller) -> tuple[int, bytes]:
        """(HTTP status, envelope) for a request's envelope; raises ConnectionCut."""
        if self.host.booted_at != self._booted_at:
            self._booted_at = self.host.booted_at
            self.shells.lose()
        message_id = ""
        try:
            request = soap.parse(data)
            message_id = request.message_id
            body = await self._checked(request)(request, caller)
        except faults.Fault as problem:
            return 500, soap.fault(problem, message_id, self.host.fqdn)
        return 200, soap.answer(request, body)

    @property
    def most_bytes(self) -> int:
        """The largest request that the host takes, in bytes."""
        return self.host.doors.max_envelope_kib * 1024

    def _checked(self, request: soap.Envelope) -> Callable[[soap.Envelope, Caller], Awaitable[str]]:
        """What a request asks for, once its header has been found in order."""
        if 0 < request.size < soap.SMALLEST_ENVELOPE:
            raise faults.envelope_too_small()
        action = self._actions.get(request.action)
        if action is None:
            raise faults.no_such_action()
        served = (soap.CMD_SHELL, soap.CONFIG) if action == self._get else (soap.CMD_SHELL,)
        if request.resource not in served:
            raise faults.no_such_resource()
        return action

    async def _get(self, request: soap.Envelope, caller: Caller) -> str:
        if request.resource == soap.CONFIG:
            return config(self.host.doors)
        return _described(self._shell(request, caller), caller)

    async def _create(self, request: soap.Envelope, caller: Caller) -> str:
        longest = self.host.doors.idle_timeout_ms / 1000
        idle = soap.seconds_of(request.text("IdleTimeOut").strip(), longest)
        shell = Shell(
            caller.principal,
            request.options.get("WINRS_CODEPAGE", "437"),
            min(idle, longest) or longest,
            request.named_texts("Variable"),
            {name: request.xml(name) for name in _GIVEN},
        )
        self.shells.open(shell, self.host.doors.max_shells_per_user)
        return (
            f"<x:ResourceCreated><a:Address>{escape(request.to)}</a:Address>"
            f"<a:ReferenceParameters><w:ResourceURI>{soap.CMD_SHELL}</w:ResourceURI>"
            f'<w:SelectorSet><w:Selector Name="ShellId">{shell.id}</w:Selector></w:SelectorSet>'
            "</a:ReferenceParameters></x:ResourceCreated>"
            f"{_described(shell, caller)}"
        )

    async def _command(self, request: soap.Envelope, caller: Caller) -> str:
        shell = self._shell(request, caller)
        program = request.text("Command").strip()
        line = " ".join([program, *request.texts("Arguments")])
        direct = request.options.get("WINRS_SKIP_CMD_SHELL", "").lower() == "true"
        if direct and "\\" not in program:
            raise faults.no_such_file()
        console = request.options.get("WINRS_CONSOLEMODE_STDIN", "").lower() != "false"
        command = Command(line.strip(), shell, is_direct=direct, is_console=console)
        wanted = request.attribute("CommandLine", "CommandId")  # pypsrp may name it itself
        command.id = (wanted or command.id).upper()
        if len(shell.commands) >= self.host.doors.max_processes_per_shell:
            raise faults.too_many_commands()
        shell.start(command, functools.partial(self._programs.run, self.host, shell.owner))
        return (
            f"<rsp:CommandResponse><rsp:CommandId>{command.id}</rsp:CommandId>"
            "</rsp:CommandResponse>"
        )

    async def _send(self, request: soap.Envelope, caller: Caller) -> str:
        shell = self._shell(request, caller)
        command = shell.command(request.attribute("Stream", "CommandId"))
        end = request.attribute("Stream", "End").lower() == "true"
        try:
            data = base64.b64decode(request.text("Stream"), validate=True)
        except binascii.Error as error:
            raise faults.not_the_schema() from error
        command.feed(data, end=end)
        return "<rsp:SendResponse/>"

    async def _receive(self, request: soap.Envelope, caller: Caller) -> str:
        """Waits for output at most OperationTimeout, then answers with a timeout fault."""
        shell = self._shell(request, caller)
        command = shell.command(request.attribute("DesiredStream", "CommandId"))
        size = min(request.size or self.most_bytes, self.most_bytes)
        limit = (size - _ENVELOPE_OVERHEAD) * 3 // 4
        until = time.monotonic() + request.timeout
        while True:
            pieces, is_all = command.take(limit)
            self._check_alive(shell, command)
            if pieces or is_all:
                return _received(command, pieces, is_all=is_all)
            try:
                await command.wait(until - time.monotonic())
            except TimeoutError:
                self._check_alive(shell, command)
                raise faults.timed_out() from None

    async def _signal(self, request: soap.Envelope, caller: Caller) -> str:
        shell = self._shell(request, caller)
        command_id = request.attribute("Signal", "CommandId").upper()
        command = shell.commands.get(command_id)
        is_break = "/ctrl_" in request.text("Code").lower()
        if command is None:  # a signal to a command that has ended succeeds
            return "<rsp:SignalResponse/>"
        if is_break and command.exit_code is None and not command.is_console:
            return "<rsp:SignalResponse/>"  # no console by which Ctrl+C could reach the process
        del shell.commands[command_id]
        command.cancel()
        return "<rsp:SignalResponse/>"

    async def _delete(self, request: soap.Envelope, caller: Caller) -> str:
        self.shells.delete(self._shell(request, caller))
        return ""

    def _shell(self, request: soap.Envelope, caller: Caller) -> Shell:
        return self.shells.get(request.shell_id, caller.principal)

    def _check_alive(self, shell: Shell, command: Command) -> None:
        """A host that went dark, or a wire that is to break, takes the shell with it."""
        is_up = self.host.powered_on and self.host.booted_at == self._booted_at
        if command.broken or not is_up:
            self.shells.delete(shell)
            raise ConnectionCut


def _described(shell: Shell, caller: Caller) -> str:
    """The shell as Create and Get show it; the order is the schema's ([MS-WSMV] 2.2.4.37)."""
    given = shell.given
    age, idle = shell.ages()
    return (
        f'<rsp:Shell xmlns:rsp="{soap.SHELL}"><rsp:ShellId>{shell.id}</rsp:ShellId>'
        f"{given['Name']}<rsp:ResourceUri>{soap.CMD_SHELL}</rsp:ResourceUri>"
        f"<rsp:Owner>{escape(shell.owner)}</rsp:Owner>"
        f"<rsp:ClientIP>{escape(caller.address)}</rsp:ClientIP>"
        f"{given['Environment']}{given['WorkingDirectory']}{given['Lifetime']}"
        f"<rsp:IdleTimeOut>PT{shell.idle_timeout:.3f}S</rsp:IdleTimeOut>"
        f"{given['InputStreams'] or '<rsp:InputStreams>stdin</rsp:InputStreams>'}"
        f"{given['OutputStreams'] or '<rsp:OutputStreams>stdout stderr</rsp:OutputStreams>'}"
        f"<rsp:ShellRunTime>{_duration(age)}</rsp:ShellRunTime>"
        f"<rsp:ShellInactivity>{_duration(idle)}</rsp:ShellInactivity></rsp:Shell>"
    )


def _duration(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"P{days}DT{hour}H{minute}M{second}S"


def _received(command: Command, pieces: list[tuple[str, bytes]], *, is_all: bool) -> str:
    attribute = f"CommandId={quoteattr(command.id)}"
    streams = [
        f'<rsp:Stream Name="{name}" {attribute}>{base64.b64encode(data).decode()}</rsp:Stream>'
        for name, data in pieces
    ]
    if is_all:
        streams += [
            f'<rsp:Stream Name="{name}" {attribute} End="true"></rsp:Stream>'
            for name in ("stdout", "stderr")
        ]
        state = (
            f'<rsp:CommandState {attribute} State="{soap.STATE}/Done">'
            f"<rsp:ExitCode>{command.exit_code}</rsp:ExitCode></rsp:CommandState>"
        )
    else:
        state = f'<rsp:CommandState {attribute} State="{soap.STATE}/Running"></rsp:CommandState>'
    return f"<rsp:ReceiveResponse>{''.join(streams)}{state}</rsp:ReceiveResponse>"

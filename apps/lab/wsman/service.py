"""WS-Management's shell operations on one host, from Create to Delete."""

from __future__ import annotations

import base64
import binascii
import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from apps.lab.wsman import soap
from apps.lab.wsman.hosts import WsmanHost
from apps.lab.wsman.programs import Programs
from apps.lab.wsman.shells import Command, Shell, Shells

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
            action = self._actions.get(request.action)
            if action is None:
                raise soap.Fault(
                    2150858861, "a:ActionNotSupported", "The action is not supported. "
                )
            body = await action(request, caller)
        except soap.Fault as problem:
            return 500, soap.fault(problem, message_id, self.host.fqdn)
        return 200, soap.answer(request, body)

    async def _create(self, request: soap.Envelope, caller: Caller) -> str:
        if request.resource != soap.CMD_SHELL:
            raise soap.Fault(
                2150858778, "a:DestinationUnreachable", "The resource URI is not supported. "
            )
        shell = self.shells.open(caller.principal, request.options.get("WINRS_CODEPAGE", "437"))
        return (
            f"<x:ResourceCreated><a:Address>{escape(request.to)}</a:Address>"
            f"<a:ReferenceParameters><w:ResourceURI>{soap.CMD_SHELL}</w:ResourceURI>"
            f'<w:SelectorSet><w:Selector Name="ShellId">{shell.id}</w:Selector></w:SelectorSet>'
            "</a:ReferenceParameters></x:ResourceCreated>"
            f"<rsp:Shell><rsp:ShellId>{shell.id}</rsp:ShellId>"
            f"<rsp:ResourceUri>{soap.CMD_SHELL}</rsp:ResourceUri>"
            f"<rsp:Owner>{escape(caller.principal)}</rsp:Owner>"
            f"<rsp:ClientIP>{escape(caller.address)}</rsp:ClientIP>"
            "<rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut>"
            "<rsp:InputStreams>stdin</rsp:InputStreams>"
            "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams>"
            "<rsp:ShellRunTime>P0DT0H0M0S</rsp:ShellRunTime>"
            "<rsp:ShellInactivity>P0DT0H0M0S</rsp:ShellInactivity></rsp:Shell>"
        )

    async def _command(self, request: soap.Envelope, caller: Caller) -> str:
        shell = self._shell(request, caller)
        program = request.text("Command").strip()
        line = " ".join([program, *request.texts("Arguments")])
        direct = request.options.get("WINRS_SKIP_CMD_SHELL", "").lower() == "true"
        if direct and "\\" not in program:
            raise soap.no_such_file()
        command = Command(line.strip(), shell.codepage, is_direct=direct)
        wanted = request.attribute("CommandLine", "CommandId")  # pypsrp may name it itself
        command.id = (wanted or command.id).upper()
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
            raise soap.invalid("The stream is not valid base64.") from error
        command.feed(data, end=end)
        return "<rsp:SendResponse/>"

    async def _receive(self, request: soap.Envelope, caller: Caller) -> str:
        """Waits for output at most OperationTimeout, then answers with a timeout fault."""
        shell = self._shell(request, caller)
        command = shell.command(request.attribute("DesiredStream", "CommandId"))
        limit = max(1024, (request.size - _ENVELOPE_OVERHEAD) * 3 // 4)
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
                raise soap.timed_out() from None

    async def _signal(self, request: soap.Envelope, caller: Caller) -> str:
        shell = self._shell(request, caller)
        command_id = request.attribute("Signal", "CommandId").upper()
        command = shell.commands.pop(command_id, None)
        if command is not None:  # a signal to a command that has ended succeeds
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

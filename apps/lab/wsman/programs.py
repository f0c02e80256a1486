"""What a simulated host can run: the portal's session, known scripts, and a few commands.

Anything else is refused as Windows refuses an unknown name: the lab does not pretend to have a
shell. With a PowerShell engine at hand (`Programs.engine`) any PowerShell text runs on that.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.lab.cmdlets.errors import CmdletError, ScriptCancelled, WireFault
from apps.lab.wsman import clixml, console, frames, misbehaviour, statements
from apps.lab.wsman.hosts import RunScript, WsmanHost
from apps.lab.wsman.shells import Cancelled, Command

SCRIPTS = Path(__file__).resolve().parents[2] / "remoting" / "scripts"
CRASHED = -532462766  # 0xE0434352: how a .NET process ends that met an unhandled exception
COMMAND_LINE_LIMIT = 8191  # cmd.exe's
logger = logging.getLogger(__name__)
_ENCODED = re.compile(r"-(?:enc|encodedcommand|ec|e)\s+([A-Za-z0-9+/=]+)", re.IGNORECASE)
_PLAIN = re.compile(r"-(?:c|command)\s+(.*)", re.IGNORECASE | re.DOTALL)
_POWERSHELL = re.compile(r"^(?:\S*\\)?powershell(?:\.exe)?(?:\s+|$)", re.IGNORECASE)
_CMD = re.compile(r"^(?:\S*\\)?cmd(?:\.exe)?\s+/c\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Outcome:
    """What a command leaves behind: text for each stream, and its exit code."""

    output: str = ""
    error: bytes = b""
    code: int = 0


class Programs:
    """Runs the commands of all hosts; `engine` is the path of a PowerShell, "" for none."""

    def __init__(self, run_script: RunScript, engine: str = "") -> None:
        self._run_script = run_script
        self._engine = engine
        self._bootstrap = _script("Enter-PortalSession")
        self._loop = _script("Invoke-PortalSession")

    def run(self, host: WsmanHost, owner: str, command: Command) -> None:
        """One command from start to end, in its own thread; ends in every case."""
        try:
            code = self._dispatch(host, owner, command)
        except (Cancelled, ScriptCancelled):
            code = 1
        except WireFault as broken:
            code = misbehaviour.misbehave(command, None, broken) or 0
        except Exception:
            # As a process that crashed: who waits for it hears of its end at once.
            logger.exception("%s on %s met a fault of the lab.", command.line[:60], host.name)
            code = CRASHED
        command.finish(code)

    def _dispatch(self, host: WsmanHost, owner: str, command: Command) -> int:
        line = _CMD.sub("", command.line.strip())
        if len(command.line) > COMMAND_LINE_LIMIT and not command.is_direct:
            return _show(command, Outcome(error=b"The command line is too long.\r\n", code=1))
        if not _POWERSHELL.match(line):
            printed = console.run(host, _whoami(host, owner), line, command.environment)
            error = _encoded(printed.error, command.codepage)
            return _show(command, Outcome(printed.output, error, printed.code))
        if command.cancelled.wait(host.powershell_start):
            raise Cancelled
        text = _powershell_text(_POWERSHELL.sub("", line, count=1))
        if text.strip() == "-":
            text = "\n".join(_lines(command))
        if _plain(text) == self._bootstrap:
            return self._portal_session(host, command)
        return self._powershell(host, owner, command, text)

    def _portal_session(self, host: WsmanHost, command: Command) -> int:
        """The portal's loop: one script for each line, until standard input ends."""
        if _plain(frames.text_of(command.read_line())) != self._loop:
            words = "The first line is not the loop that this machine's PowerShell was to run."
            return _show(command, Outcome(error=clixml.errors(words), code=1))
        known: dict[str, str] = {}
        while line := command.read_line():
            request = frames.Request.of(line)
            try:
                self._portal_call(host, command, request, known)
            except WireFault as broken:
                code = misbehaviour.misbehave(command, request, broken)
                if code is not None:
                    return code
        return 0

    def _portal_call(
        self, host: WsmanHost, command: Command, request: frames.Request, known: dict[str, str]
    ) -> None:
        def emit(document: dict[str, Any]) -> None:
            command.write(request.frame("p", document))

        try:
            text, parameters = request.read(known)
            result = self._run_script(host.name, text, parameters, emit, command.cancelled)
        except CmdletError as problem:
            command.write(request.error(problem))
        else:
            command.write(request.frame("r", result))

    def _powershell(self, host: WsmanHost, owner: str, command: Command, text: str) -> int:
        if self._engine:
            return _show(command, _real(self._engine, text, command))
        programs = {"hostname": host.name, "whoami": _whoami(host, owner)}
        known = statements.of(text, programs)
        if known is not None:
            for statement in known:
                _show(command, Outcome(statement(command)))
            return 0
        try:
            result = self._run_script(host.name, text, {}, _ignore, command.cancelled)
        except CmdletError as problem:
            unknown = problem.error_id == "ScriptUnknown"
            words = _not_recognized(text) if unknown else problem.message
            return _show(command, Outcome(error=clixml.errors(words), code=1))
        return _show(command, Outcome(json.dumps(result, separators=(",", ":")) + "\r\n"))


def _lines(command: Command) -> Iterator[str]:
    """Standard input, to its end."""
    while line := command.read_line():
        yield line.decode("utf-8", "replace")


def _show(command: Command, outcome: Outcome) -> int:
    if outcome.output:
        command.write(_encoded(outcome.output, command.codepage), flush=False)
    if outcome.error:
        command.write(outcome.error, "stderr", flush=False)
    return outcome.code


def _encoded(text: str, codepage: str) -> bytes:
    """Text in the shell's code page; what the page lacks becomes a question mark."""
    name = "utf-8" if codepage == "65001" else f"cp{codepage}"
    try:
        return text.encode(name, "replace")
    except LookupError:
        return text.encode("cp437", "replace")


def _whoami(host: WsmanHost, owner: str) -> str:
    for account in host.accounts:
        if account.username.casefold() == owner.rpartition("\\")[2].partition("@")[0].casefold():
            return f"{account.domain or host.name}\\{account.username}".lower()
    return owner.lower()


def _powershell_text(arguments: str) -> str:
    """The script text of a powershell.exe command line."""
    encoded = _ENCODED.search(arguments)
    if encoded:
        try:
            return base64.b64decode(encoded.group(1), validate=True).decode("utf-16-le")
        except (binascii.Error, UnicodeDecodeError):
            return ""
    plain = _PLAIN.search(arguments)
    return plain.group(1) if plain else arguments


def _not_recognized(text: str) -> str:
    term = (text.split() or [""])[0]
    return (
        f"{term} : The term '{term}' is not recognized as the name of a cmdlet, function, script"
        " file, or operable program. Check the spelling of the name, or if a path was included,"
        " verify that the path is correct and try again.\n"
        f"    + CategoryInfo          : ObjectNotFound: ({term}:String) [],"
        " CommandNotFoundException\n"
        "    + FullyQualifiedErrorId : CommandNotFoundException\n"
    )


def _real(engine: str, text: str, command: Command) -> Outcome:
    """Any text on a real PowerShell engine; terminated when the client says so."""
    encoded = base64.b64encode(text.encode("utf-16-le")).decode()
    process = subprocess.Popen(  # noqa: S603 - the operator named the engine
        [engine, "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while True:
        try:
            output, problems = process.communicate(timeout=0.2)
            break
        except subprocess.TimeoutExpired:
            if command.cancelled.is_set():
                process.terminate()
    error = clixml.errors(problems.decode("utf-8", "replace")) if problems else b""
    return Outcome(output.decode("utf-8", "replace"), error, process.returncode)


def _script(name: str) -> str:
    return _plain((SCRIPTS / f"{name}.ps1").read_text(encoding="utf-8-sig"))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _ignore(document: dict[str, Any]) -> None:
    """Progress of a script that was not run through the bootstrap goes nowhere."""

"""What a simulated host can run: the portal's session, known scripts, and a few commands.

Anything else is refused as Windows refuses an unknown name: the lab does not pretend to have a
shell. With a PowerShell engine at hand (`Programs.engine`) any PowerShell text runs on that.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import logging
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.lab.cmdlets.errors import CmdletError, ScriptCancelled, WireFault
from apps.lab.wsman import clixml, frames
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
_SILENT = "$progresspreference = 'silentlycontinue';"
_WRITE_OUTPUT = re.compile(r"^(?:write-output\s+)?'([^']*)'$", re.IGNORECASE)
_SUM = re.compile(r"^(\d{1,9})\s*\+\s*(\d{1,9})$")


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
            code = _break(command, broken.kind)
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
            return _show(command, _console(host, owner, line))
        if command.cancelled.wait(host.powershell_start):
            raise Cancelled
        text = _powershell_text(_POWERSHELL.sub("", line, count=1))
        if _plain(text) == self._bootstrap:
            return self._portal_session(host, command)
        return self._powershell(host, command, text)

    def _portal_session(self, host: WsmanHost, command: Command) -> int:
        """The portal's loop: one script for each line, until standard input ends."""
        if _plain(frames.text_of(command.read_line())) != self._loop:
            words = "The first line is not the loop that this machine's PowerShell was to run."
            return _show(command, Outcome(error=clixml.errors(words), code=1))
        known: dict[str, str] = {}
        while line := command.read_line():
            self._portal_call(host, command, frames.Request.of(line), known)
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

    def _powershell(self, host: WsmanHost, command: Command, text: str) -> int:
        if self._engine:
            return _show(command, _real(self._engine, text, command))
        known = _one_liner(text)
        if known is not None:
            return _show(command, Outcome(known + "\r\n"))
        try:
            result = self._run_script(host.name, text, {}, _ignore, command.cancelled)
        except CmdletError as problem:
            unknown = problem.error_id == "ScriptUnknown"
            words = _not_recognized(text) if unknown else problem.message
            return _show(command, Outcome(error=clixml.errors(words), code=1))
        return _show(command, Outcome(json.dumps(result, separators=(",", ":")) + "\r\n"))


def _break(command: Command, kind: str) -> int:
    if kind == "garbage":
        command.write(b"\xff\xfe\x00<html>502 Bad Gateway</html>\x1b[0m\r\n")
        return 0
    command.break_off()
    return 1


def _show(command: Command, outcome: Outcome) -> int:
    if outcome.output:
        command.write(_encoded(outcome.output, command.codepage))
    if outcome.error:
        command.write(outcome.error, "stderr")
    return outcome.code


def _encoded(text: str, codepage: str) -> bytes:
    """Text in the shell's code page; what the page lacks becomes a question mark."""
    name = "utf-8" if codepage == "65001" else f"cp{codepage}"
    try:
        return text.encode(name, "replace")
    except LookupError:
        return text.encode("cp437", "replace")


def _console(host: WsmanHost, owner: str, line: str) -> Outcome:
    """The few console commands that the lab has."""
    word, _, rest = line.partition(" ")
    name = word.lower().removesuffix(".exe")
    rest = rest.strip()
    commands: dict[str, Callable[[], Outcome]] = {
        "hostname": lambda: Outcome(f"{host.name}\r\n"),
        "whoami": lambda: Outcome(f"{_whoami(host, owner)}\r\n"),
        "echo": lambda: Outcome(f"{rest}\r\n" if rest else "ECHO is on.\r\n"),
        "ver": lambda: Outcome("\r\nMicrosoft Windows [Version 10.0.20348.2762]\r\n"),
        "exit": lambda: Outcome(code=int(rest) if rest.isascii() and rest.isdigit() else 0),
    }
    if name in commands:
        return commands[name]()
    message = (
        f"'{word}' is not recognized as an internal or external command,\r\n"
        "operable program or batch file.\r\n"
    )
    return Outcome(error=message.encode("cp437", "replace"), code=1)


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


def _one_liner(text: str) -> str | None:
    """The output of a one-liner that the lab knows, None for any other text."""
    line = text.strip()
    if line.lower().startswith(_SILENT):  # what pywinrm's clients often put in front
        line = line[len(_SILENT) :].strip()
    match = _WRITE_OUTPUT.match(line)
    if match:
        return match.group(1)
    terms = _SUM.match(line)
    if terms:
        return str(int(terms.group(1)) + int(terms.group(2)))
    if line.lower() == "$psversiontable.psversion.tostring()":
        return "5.1.20348.2760"
    if line.lower() == "get-date":
        now = datetime.datetime.now(datetime.UTC)
        return f"\r\n{now:%A, %B} {now.day}, {now:%Y} {now:%I:%M:%S %p}\r\n\r\n"
    return None


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

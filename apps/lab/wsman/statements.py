"""The few PowerShell statements that a simulated host runs without an engine behind it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping

from apps.lab.wsman.shells import Cancelled, Command

_SEPARATOR = re.compile(r"[;\r\n]+")
_WORDS = re.compile(r"^(write-host|write-output)\s+(.*)$", re.IGNORECASE)
_QUOTED = re.compile(r"^(?:'([^']*)'|\"([^\"$`]*)\")$")
_SUM = re.compile(r"^(\d{1,9})\s*\+\s*(\d{1,9})$")
_SLEEP = re.compile(r"^start-sleep(?:\s+-s(?:econds)?)?\s+(\d{1,4}(?:\.\d+)?)$", re.IGNORECASE)
_VARIABLE = re.compile(r"^\$env:(\w+)$", re.IGNORECASE)
_QUIET = re.compile(r"^\$progresspreference\s*=\s*['\"]silentlycontinue['\"]$", re.IGNORECASE)
Statement = Callable[[Command], str]


def of(text: str, programs: Mapping[str, str]) -> list[Statement] | None:
    """What each statement of a text does, in order; None when one of them isn't known.

    `programs`: what the programs of the machine print, by name. A statement gives the text that
    it writes; it raises Cancelled where it waits for nothing more.
    """
    found = [_statement(part.strip(), programs) for part in _SEPARATOR.split(text) if part.strip()]
    return [one for one in found if one] if found and all(found) else None


def _statement(text: str, programs: Mapping[str, str]) -> Statement | None:
    """Write-Host ends its lines as a console does, the pipeline as files do."""
    printed = programs.get(text.lower().removesuffix(".exe"))
    if printed is not None:
        return lambda command: f"{printed}\r\n"
    for pattern, made in _KNOWN:
        if match := pattern.match(text):
            return made(match)
    return None


def _words(match: re.Match[str]) -> Statement:
    end = "\n" if match[1].lower() == "write-host" else "\r\n"
    return lambda command: _unquoted(match[2]) + end


def _unquoted(text: str) -> str:
    quoted = _QUOTED.match(text.strip())
    return next(part for part in quoted.groups() if part is not None) if quoted else text.strip()


def _slept(match: re.Match[str]) -> Statement:
    def sleep(command: Command) -> str:
        command.flush()  # what was written so far is to be seen meanwhile
        if command.cancelled.wait(float(match[1])):
            raise Cancelled
        return ""

    return sleep


def _variable(match: re.Match[str]) -> Statement:
    def value(command: Command) -> str:
        known: Mapping[str, str] = {k.lower(): v for k, v in command.environment.items()}
        found = known.get(match[1].lower())
        return "" if found is None else f"{found}\r\n"

    return value


def _now(match: re.Match[str]) -> Statement:
    def date(command: Command) -> str:
        now = datetime.datetime.now(datetime.UTC)
        return f"\r\n{now:%A, %B} {now.day}, {now:%Y} {now:%I:%M:%S %p}\r\n\r\n\r\n"

    return date


def _always(text: str) -> Callable[[re.Match[str]], Statement]:
    return lambda match: lambda command: text


_KNOWN: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Statement]], ...] = (
    (_QUIET, _always("")),
    (_WORDS, _words),
    (_QUOTED, lambda match: lambda command: f"{_unquoted(match[0])}\r\n"),
    (_SUM, lambda match: lambda command: f"{int(match[1]) + int(match[2])}\r\n"),
    (_SLEEP, _slept),
    (_VARIABLE, _variable),
    (
        re.compile(r"^\$psversiontable\.psversion\.tostring\(\)$", re.IGNORECASE),
        _always("5.1.20348.2760\r\n"),
    ),
    (re.compile(r"^get-date$", re.IGNORECASE), _now),
)

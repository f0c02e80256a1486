"""The few console commands that a simulated host has, joined and redirected as cmd.exe does it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apps.lab.wsman.hosts import WsmanHost

_VERSION = "Microsoft Windows [Version 10.0.20348.2762]"
_JOINT = re.compile(r"(&&|\|\||&)(?!\d)")
_TO_STDERR = re.compile(r"1?>&2")
_VARIABLE = re.compile(r"%([^%\s]+)%")


@dataclass(frozen=True)
class Printed:
    """What a line left behind: text of each stream, and the exit code."""

    output: str = ""
    error: str = ""
    code: int = 0


def run(host: WsmanHost, account: str, line: str, environment: Mapping[str, str]) -> Printed:
    """Runs a line of commands. `account` as `whoami` prints it, `environment` the shell's own."""
    variables = _variables(host, account) | {k.upper(): v for k, v in environment.items()}
    output, error, code = "", "", 0
    joint = "&"
    for part in _JOINT.split(line):
        if _JOINT.fullmatch(part):
            joint = part
            continue
        if (joint == "&&" and code) or (joint == "||" and not code):
            continue
        text = _TO_STDERR.sub("", part)
        printed = _one(host, account, _expanded(text.lstrip(), variables), variables)
        code = printed.code
        if text == part:
            output += printed.output
        else:
            error += printed.output
        error += printed.error
        if text.strip().lower().startswith("exit"):
            break
    return Printed(output, error, code)


def _variables(host: WsmanHost, account: str) -> dict[str, str]:
    domain, _, user = account.rpartition("\\")
    return {
        "COMPUTERNAME": host.name,
        "USERNAME": user,
        "USERDOMAIN": domain.upper(),
        "USERPROFILE": f"C:\\Users\\{user}",
        "SYSTEMROOT": "C:\\Windows",
        "COMSPEC": "C:\\Windows\\system32\\cmd.exe",
    }


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """A name that is no variable stays as it was written, per cent signs included."""
    return _VARIABLE.sub(lambda found: variables.get(found[1].upper(), found[0]), text)


def _one(host: WsmanHost, account: str, text: str, variables: Mapping[str, str]) -> Printed:
    word, _, rest = text.partition(" ")
    name = word.strip().lower().removesuffix(".exe")
    commands: dict[str, Callable[[], Printed]] = {
        "hostname": lambda: Printed(f"{host.name}\r\n"),
        "whoami": lambda: Printed(f"{account}\r\n"),
        "echo": lambda: Printed(f"{rest}\r\n" if rest.strip() else "ECHO is on.\r\n"),
        "ver": lambda: Printed(f"\r\n{_VERSION}\r\n"),
        "cd": lambda: Printed(f"{variables['USERPROFILE']}\r\n"),
        "dir": lambda: Printed(_listing(variables["USERPROFILE"])),
        "set": lambda: Printed("".join(f"{k}={v}\r\n" for k, v in sorted(variables.items()))),
        "exit": lambda: Printed(code=_exit_code(rest)),
    }
    if name in commands:
        return commands[name]()
    message = (
        f"'{word.strip()}' is not recognized as an internal or external command,\r\n"
        "operable program or batch file.\r\n"
    )
    return Printed(error=message, code=1 if name else 0)


def _exit_code(rest: str) -> int:
    word = rest.strip().lower().removeprefix("/b").strip()
    return int(word) if word.lstrip("-").isdigit() else 0


def _listing(folder: str) -> str:
    return (
        " Volume in drive C has no label.\r\n"
        " Volume Serial Number is 4C41-4221\r\n\r\n"
        f" Directory of {folder}\r\n\r\n"
        "11/02/2026  09:14 AM    <DIR>          .\r\n"
        "11/02/2026  09:14 AM    <DIR>          ..\r\n"
        "               0 File(s)              0 bytes\r\n"
        "               2 Dir(s)  85,899,345,920 bytes free\r\n"
    )

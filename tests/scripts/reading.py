"""Commands and their parameters in a script's text, without an engine. test_scripts_are_right.py
holds what is found here against the engine's own parser, where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<single>'(?:[^']|'')*')"
    r"|(?P<double>\"(?:[^\"`]|`.|\"\")*\")"
    r"|(?P<open>[@$]?[({]|\[)"
    r"|(?P<close>[)\]}])"
    r"|(?P<end>[|;\n])"
    r"|(?P<going>,)"
    r"|(?P<parameter>(?<=\s)-[A-Za-z]\w*:?)"
    r"|(?P<variable>[$@][\w:]+)"
    r"|(?P<word>[A-Za-z][\w.-]*)"
    r"|(?P<space>[ \t\r]+)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_COMMAND = re.compile(r"[A-Z][A-Za-z]+-[A-Z]\w+")
_FUNCTION = re.compile(r"^\s*function\s+([\w-]+)", re.MULTILINE)


@dataclass
class Call:
    """A command with the names of its parameters, where its name stands."""

    name: str
    line: int
    parameters: list[str] = field(default_factory=list)


def functions(text: str) -> set[str]:
    """The names of a script's own functions."""
    return set(_FUNCTION.findall(text))


def calls(text: str, first_line: int = 1) -> list[Call]:
    """The commands of a script, those inside of strings too."""
    found: list[Call] = []
    stack: list[Call | None] = [None]  # the command that goes on, at each depth of brackets
    before, line = "", first_line
    for match in _TOKEN.finditer(text):
        kind, token = str(match.lastgroup), match.group()
        if kind == "open":
            stack.append(None)
        elif kind == "close":
            stack.pop()
        elif kind == "double":
            for start, inner in _expressions(token):
                found += calls(inner, line + token[:start].count("\n"))
        elif kind == "end" and not (token == "\n" and before in ("going", "pipe")):
            stack[-1] = None
        elif kind == "parameter" and (call := stack[-1]):
            call.parameters.append(token[1:].rstrip(":"))
        elif kind == "word" and stack[-1] is None and _is_command(token, text, match.start()):
            stack[-1] = Call(token, line)
            found.append(stack[-1])
        line += token.count("\n")
        if kind not in ("space", "comment") and token != "\n":
            before = "pipe" if token == "|" else kind
    return found


def _is_command(word: str, text: str, start: int) -> bool:
    """Whether a word is called and not only named, as a function is that is declared."""
    before = text[:start].rstrip(" \t")
    return bool(_COMMAND.fullmatch(word)) and not before.endswith("function")


def _expressions(string: str) -> Iterator[tuple[int, str]]:
    """What stands in `$(…)` of a string, with where it begins."""
    at = string.find("$(")
    while at >= 0:
        depth, end = 0, at + 1
        for end in range(at + 1, len(string)):
            depth += {"(": 1, ")": -1}.get(string[end], 0)
            if not depth:
                break
        yield at + 2, string[at + 2 : end]
        at = string.find("$(", end)

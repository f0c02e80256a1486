"""The `param()` block of a script's text, in the form that the project writes it.

A parameter is `[attribute(arguments)]… [type]$Name = default`, the parameters parted by commas.
What the block says is held against the engine's own parser in tests/scripts.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field

_BLOCK = re.compile(r"^param\(", re.MULTILINE | re.IGNORECASE)
_BRACKET = re.compile(r"\[(\w[\w.]*(?:\[\])?)(?:\((.*)\))?\]", re.DOTALL)
_NAME = re.compile(r"\$(\w+)(?:\s*=\s*(.*))?", re.DOTALL)
_PAIRS = {"(": ")", "[": "]", "{": "}"}
LONG_MAX = "9223372036854775807"


@dataclass(frozen=True)
class Validation:
    """An attribute such as ValidateRange with its arguments, quotes taken off."""

    name: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declared:
    """A parameter as its script declares it; `default` is the expression's text, None for none."""

    name: str
    type: str
    mandatory: bool
    validations: tuple[Validation, ...] = field(default=())
    default: str | None = None


@functools.cache
def parameters(text: str) -> tuple[Declared, ...]:
    """The parameters of a script; none where it has no block."""
    found = _BLOCK.search(text)
    if found is None:
        return ()
    inside = _inside(text, found.end() - 1)
    return tuple(_declared(part) for part in _parts(inside) if part)


def _inside(text: str, start: int) -> str:
    """What stands between the bracket at `start` and the one that closes it."""
    depth, quote = 0, ""
    for at in range(start, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in _PAIRS:
            depth += 1
        elif char in _PAIRS.values():
            depth -= 1
            if not depth:
                return text[start + 1 : at]
    raise ValueError("a bracket of the param block is not closed")


def _parts(text: str) -> list[str]:
    """Split at the commas that stand in no bracket and no quotes."""
    parts, depth, quote, begin = [], 0, "", 0
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in _PAIRS:
            depth += 1
        elif char in _PAIRS.values():
            depth -= 1
        elif char == "," and not depth:
            parts.append(text[begin:at])
            begin = at + 1
    return [part.strip() for part in [*parts, text[begin:]]]


def _declared(text: str) -> Declared:
    """One parameter: its brackets one after the other, then its name."""
    kind, mandatory = "object", False
    validations: list[Validation] = []
    while text.startswith("["):
        inner = _inside(text, 0)
        match = _BRACKET.fullmatch(f"[{inner}]")
        if match is None:
            raise ValueError(f"[{inner}] is no attribute and no type")
        name, arguments = match.groups()
        if arguments is None:
            kind = name
        elif name == "Parameter":
            mandatory = bool(re.match(r"Mandatory\s*(=\s*\$true)?$", arguments.strip()))
        else:
            validations.append(
                Validation(name, tuple(_plain(one) for one in _parts(arguments) if one))
            )
        text = text[len(inner) + 2 :].lstrip()
    match = _NAME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no parameter")
    return Declared(match[1], kind, mandatory, tuple(validations), match[2])


def _plain(argument: str) -> str:
    if argument == "[long]::MaxValue":
        return LONG_MAX
    return argument[1:-1] if argument[:1] == "'" else argument

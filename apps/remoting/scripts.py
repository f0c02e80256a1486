"""The catalogue of PowerShell scripts: `apps/<room>/scripts/<Verb-Noun>.ps1`."""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

APPS = Path(__file__).resolve().parent.parent
_ROOM = re.compile(r"^[a-z_]+$")
_NAME = re.compile(r"^[A-Z][a-zA-Z]+-[A-Z][a-zA-Z0-9]+$")
_TOKEN = re.compile(
    r"(?P<comment><\#.*?\#>|\#[^\n]*)"
    r"|(?P<string>'(?:[^']|'')*'|\"(?:[^\"`]|`.|\"\")*\")"
    r"|(?P<variable>\$\w+)"
    r"|(?P<open>[(\[{])"
    r"|(?P<close>[)\]}])"
    r"|(?P<comma>,)"
    r"|(?P<word>[A-Za-z_][\w-]*)",
    re.DOTALL,
)


class ScriptMissing(LookupError):
    """No such script file: a mistake in the portal, never in a host."""


@dataclass(frozen=True)
class Script:
    """A script file as it is sent: `text` has plain line feeds and no byte order mark."""

    name: str
    path: Path
    text: str = field(repr=False)
    sha256: str  # of the text in UTF-8, lower-case hex
    parameters: tuple[str, ...]  # names in the order of its param() block

    @property
    def is_shipped(self) -> bool:
        """Whether it is one of the catalogue, which answer with a JSON object each."""
        return self.path.parent.parent.parent == APPS

    @property
    def is_reading(self) -> bool:
        """Whether it changes nothing on its host: PowerShell's verbs for that are Get and Test."""
        return self.name.startswith(("Get-", "Test-"))


@functools.cache
def load(room: str, name: str) -> Script:
    """The script `name` (no ".ps1") of a room; raises ScriptMissing."""
    if not _ROOM.match(room) or not _NAME.match(name):
        raise ScriptMissing(f"{room}/{name} is not the name of a script")
    path = APPS / room / "scripts" / f"{name}.ps1"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ScriptMissing(f"{path} does not exist") from None
    return from_text(name, text, path)


def from_text(name: str, text: str, path: Path | None = None) -> Script:
    """A script of any text; `load` is the way for those that ship."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Script(name, path or Path(f"{name}.ps1"), text, digest, parameter_names(text))


def catalogue() -> list[Script]:
    """Every script that ships, by room and name."""
    files = sorted(APPS.glob("*/scripts/*.ps1"))
    return [load(path.parent.parent.name, path.stem) for path in files]


def parameter_names(text: str) -> tuple[str, ...]:
    """The names that a script's own param() block declares.

    Only the depth of brackets matters: a parameter is the first variable after a comma (or the
    opening bracket) at the block's own level; variables in attributes and defaults are deeper or
    come after it.
    """
    block = _Brackets()
    names: list[str] = []
    is_next = False
    for match in _TOKEN.finditer(text):
        kind, word = match.lastgroup, match.group()
        if block.is_entered(kind, word):
            is_next = True
        elif block.is_over:
            break
        elif block.is_level:
            if kind == "variable" and is_next:
                names.append(word[1:])
            is_next = kind == "comma" or (is_next and kind != "variable")
    return tuple(names)


class _Brackets:
    """Follows brackets to the first param() block that is not inside a function."""

    def __init__(self) -> None:
        self.is_over = False
        self._depth = 0
        self._level = 0  # depth inside the block; 0 before it
        self._announced = False

    @property
    def is_level(self) -> bool:
        return self._level > 0 and self._depth == self._level

    def is_entered(self, kind: str | None, word: str) -> bool:
        """Takes one token; True when it is the block's opening bracket."""
        if kind == "open":
            self._depth += 1
            if self._announced and not self._level:
                self._level = self._depth
                return True
        elif kind == "close":
            self.is_over = self.is_level
            self._depth -= 1
        elif kind == "word" and self._depth == 0:
            self._announced = word.lower() == "param"
            self.is_over = word.lower() == "function"
        return False

"""What a PowerShell session reads and writes, as bytes on a wire that cuts anywhere.

`scripts/Invoke-PortalSession.ps1` is the other end.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PROGRESS, RESULT, ERROR = "p", "r", "e"
_KINDS = (PROGRESS, RESULT, ERROR)
_KNOWN = b"-"
_PARTS = 3  # kind, number, body; r and e carry the memory besides


class NotAFrame(ValueError):
    """A line that starts as a frame and cannot be read as one."""


@dataclass(frozen=True)
class Frame:
    """`number` is the request's; `memory` in bytes, 0 with progress."""

    kind: str
    number: int
    document: Any
    memory: int = 0


def encoded(text: str) -> bytes:
    """A text as it travels in a line."""
    return base64.b64encode(text.encode())


def parameters_line(parameters: Mapping[str, Any]) -> bytes:
    """The JSON object of a script's parameters, encoded; raises TypeError for what JSON lacks."""
    return encoded(json.dumps(dict(parameters), ensure_ascii=False, separators=(",", ":")))


def request(number: int, sha256: str, text: str | None, parameters: bytes) -> bytes:
    """One line of standard input; `text` is None when the process has run that script before."""
    sent = _KNOWN if text is None else encoded(text)
    return b" ".join((str(number).encode(), sha256.encode(), sent, parameters)) + b"\n"


class Reader:
    """Puts frames together from pieces of standard output.

    `stray` keeps the first bytes of whatever else the host wrote, for the message about it.
    """

    def __init__(self, made: Callable[[dict[str, Any]], Any] = dict) -> None:
        """`made` has every JSON object that is read."""
        self._made = made
        self._rest = bytearray()
        self._searched = 0
        self.stray = ""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that a piece completes; raises NotAFrame."""
        self._rest += data
        while (end := self._rest.find(b"\n", self._searched)) >= 0:
            line = bytes(self._rest[:end])
            del self._rest[: end + 1]
            self._searched = 0
            yield from self._frame(line)
        self._searched = len(self._rest)

    def close(self) -> Iterator[Frame]:
        """The frame of a last line that no line feed ends."""
        line, self._rest = bytes(self._rest), bytearray()
        yield from self._frame(line)

    def _frame(self, line: bytes) -> Iterator[Frame]:
        parts = line.split()
        kind = parts[0].decode("latin-1") if parts else ""
        if kind not in _KINDS or len(parts) < _PARTS:
            self.stray = (self.stray + readable(line))[:500]
            return
        text = ""
        try:
            number, memory = int(parts[1]), int(parts[3]) if len(parts) > _PARTS else 0
            text = base64.b64decode(parts[2], validate=True).decode()
            document = json.loads(text, object_hook=self._made)
        except ValueError as error:
            raise NotAFrame(text[:500] or readable(line)[:500]) from error
        yield Frame(kind, number, document, memory)


def readable(data: bytes) -> str:
    """Bytes as text for a message: control characters are left out."""
    text = data.decode("utf-8", "replace")
    return "".join(c for c in text if c.isprintable() or c in "\n\t").strip()

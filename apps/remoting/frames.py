"""What the bootstrap script reads and writes, as bytes on a wire that cuts anywhere."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

PROGRESS, RESULT, ERROR = "p", "r", "e"
_KINDS = (PROGRESS, RESULT, ERROR)


class NotAFrame(ValueError):
    """A line that starts as a frame and cannot be read as one."""


@dataclass(frozen=True)
class Frame:
    kind: str
    document: Any


def request(text: str, parameters: Mapping[str, Any]) -> bytes:
    """The two lines of standard input: the script's text, the JSON object of its parameters."""
    document = json.dumps(dict(parameters), ensure_ascii=False, separators=(",", ":"))
    return b"\n".join(base64.b64encode(part.encode()) for part in (text, document)) + b"\n"


class Reader:
    """Puts frames together from pieces of standard output.

    `stray` keeps the first bytes of whatever else the host wrote, for the message about it.
    """

    def __init__(self) -> None:
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
        kind, _, body = line.strip().partition(b" ")
        if kind.decode("latin-1") not in _KINDS or not body:
            self.stray = (self.stray + readable(line))[:500]
            return
        try:
            text = base64.b64decode(body, validate=True).decode()
            document = json.loads(text)
        except binascii.Error as error:
            raise NotAFrame(readable(line)[:500]) from error
        except ValueError as error:
            raise NotAFrame(text[:500]) from error
        yield Frame(kind.decode(), document)


def readable(data: bytes) -> str:
    """Bytes as text for a message: control characters are left out."""
    text = data.decode("utf-8", "replace")
    return "".join(c for c in text if c.isprintable() or c in "\n\t").strip()

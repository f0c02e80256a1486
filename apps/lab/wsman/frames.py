"""The lines that the portal's session reads and writes, spoken by the lab itself.

Input, a line for each call: a number, the SHA-256 of the script's text, that text, the JSON
object of its parameters; the last two in base64, the text "-" when it was sent before. Output:
`p`, `r` or `e`, the number, base64 of a JSON document: progress, the result, an error record;
after `r` and `e` the memory that the process holds in bytes.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.lab.cmdlets.errors import CmdletError

MEMORY = 96 * 1024 * 1024  # about what Windows PowerShell holds once Hyper-V's module is loaded
_PARTS = 4


def text_of(line: bytes) -> str:
    """A text out of base64; "" for a line that holds none."""
    try:
        return base64.b64decode(line, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


@dataclass(frozen=True)
class Request:
    """One call that came in."""

    number: str
    digest: str
    text: bytes
    parameters: bytes

    @classmethod
    def of(cls, line: bytes) -> Request:
        parts = line.split() + [b""] * _PARTS
        return cls(
            parts[0].decode("ascii", "replace"),
            parts[1].decode("ascii", "replace"),
            *parts[2:_PARTS],
        )

    def read(self, known: dict[str, str]) -> tuple[str, Mapping[str, Any]]:
        """(script text, parameters); raises CmdletError as the session's script would."""
        if self.text != b"-":
            known[self.digest] = text_of(self.text)
        try:
            parameters = json.loads(base64.b64decode(self.parameters, validate=True))
        except (binascii.Error, ValueError) as error:
            raise CmdletError(f"The input is not valid: {error}", "NotSpecified") from error
        if not isinstance(parameters, dict):
            raise CmdletError("The parameters are no JSON object.", "InvalidArgument")
        return known.get(self.digest, ""), parameters

    def frame(self, kind: str, document: Any) -> bytes:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        tail = b"" if kind == "p" else b" %d" % MEMORY
        head = f"{kind} {self.number} ".encode()
        return head + base64.b64encode(text.encode()) + tail + b"\r\n"

    def error(self, problem: CmdletError) -> bytes:
        """The frame of an error record."""
        return self.frame(
            "e",
            {
                "message": problem.message,
                "category": problem.category,
                "error_id": problem.error_id,
                "position": problem.position,
                "type": problem.exception_type,
            },
        )

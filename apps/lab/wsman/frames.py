"""The lines that the portal's bootstrap script reads and writes, spoken by the lab itself.

Input: base64 of the script's UTF-8 text, base64 of the JSON object of its parameters. Output:
`p`, `r` or `e`, a space, base64 of a JSON document: progress, the result, an error record.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from apps.lab.cmdlets.errors import CmdletError


def read(data: bytes) -> tuple[str, Mapping[str, Any]]:
    """(script text, parameters) of standard input; raises CmdletError as the script would."""
    lines = data.split()
    if len(lines) < 2:
        raise CmdletError("Index was outside the bounds of the array.", "OperationStopped")
    try:
        text = base64.b64decode(lines[0], validate=True).decode()
        parameters = json.loads(base64.b64decode(lines[1], validate=True))
    except (binascii.Error, ValueError) as error:
        raise CmdletError(f"The input is not valid: {error}", "NotSpecified") from error
    if not isinstance(parameters, dict):
        raise CmdletError("The parameters are no JSON object.", "InvalidArgument")
    return text, parameters


def frame(kind: str, document: Any) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return kind.encode() + b" " + base64.b64encode(text.encode()) + b"\r\n"


def error(problem: CmdletError) -> bytes:
    """The frame of an error record."""
    return frame(
        "e",
        {
            "message": problem.message,
            "category": problem.category,
            "error_id": problem.error_id,
            "position": problem.position,
            "type": problem.exception_type,
        },
    )

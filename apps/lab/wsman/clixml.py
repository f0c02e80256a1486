"""PowerShell's error stream as it reaches a pipe: CLIXML, a few objects of one text line each."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def errors(text: str) -> bytes:
    """The bytes on stderr for an error text; lines end as on Windows."""
    lines = "".join(f'<S S="Error">{_encoded(line)}</S>' for line in text.splitlines())
    return (
        "#< CLIXML\r\n"
        '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
        f"{lines}</Objs>"
    ).encode()


def _encoded(line: str) -> str:
    """Control characters are written _xHHHH_; so is a text that looks like one."""
    guarded = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", line)
    body = _CONTROL.sub(lambda match: f"_x{ord(match.group()):04X}_", guarded)
    return f"{escape(body)}_x000D__x000A_"

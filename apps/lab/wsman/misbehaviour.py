"""What a PowerShell process of the lab writes instead of its answer, where a fault wants it to."""

from __future__ import annotations

import base64

from apps.lab.cmdlets.errors import WireFault
from apps.lab.wsman import clixml, frames
from apps.lab.wsman.shells import Command

NOISE = b"\xff\xfe\x00<html>502 Bad Gateway</html>\x1b[0m\r\n"
FLOOD_PIECES = 70
_PIECE = (b"x" * 1022 + b"\r\n") * 1024  # 1 MiB
PADDING = 8 << 20


def misbehave(command: Command, request: frames.Request | None, broken: WireFault) -> int | None:
    """Does it; the exit code where the process ends by it, None where it takes the next call."""
    if request is not None and broken.kind in _LINES:
        command.write(_LINES[broken.kind](request, broken))
        return None
    if broken.kind == "garbage":
        command.write(NOISE)
        return 0
    if broken.kind == "flood":
        for _ in range(FLOOD_PIECES):
            command.write(_PIECE)
        return 0
    if broken.kind == "exit":
        words = broken.message or "The process was told to end."
        command.write(clixml.errors(words), "stderr")
        return broken.code
    command.break_off()
    return 1


def _text(request: frames.Request, broken: WireFault) -> bytes:
    text = base64.b64encode(b"WARNING: this is no JSON")
    return f"r {request.number} ".encode() + text + b" 1\r\n"


def _frame(request: frames.Request, broken: WireFault) -> bytes:
    return f"r {request.number} !!! 1\r\n".encode()


def _stale(request: frames.Request, broken: WireFault) -> bytes:
    number = int(request.number) - 1
    return frames.Request(str(number), "", b"", b"").frame("r", broken.result or {})


def _shape(request: frames.Request, broken: WireFault) -> bytes:
    return request.frame("r", {"unexpected": True})


def _list(request: frames.Request, broken: WireFault) -> bytes:
    return request.frame("r", [])


def _huge(request: frames.Request, broken: WireFault) -> bytes:
    """The right document with a great deal beside it."""
    document = broken.result if isinstance(broken.result, dict) else {}
    return request.frame("r", {**document, "padding": "x" * PADDING})


_LINES = {
    "text": _text,
    "frame": _frame,
    "stale": _stale,
    "shape": _shape,
    "list": _list,
    "huge": _huge,
}

"""How a host's wire fails, where `wire_faults` of the control address want it to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from apps.lab.world.faults import WireFault
from apps.lab.wsman import faults, http, soap

GARBAGE = b"\x16\x03\x01\x00\xff no HTTP at all \x00\xff\xfe\r\n\r\n"
_PAGE = b"<html><head><title>Gateway</title></head><body>It did not work out.</body></html>"
Answer = Callable[[], Awaitable[tuple[int, bytes]]]


class Broken(Exception):
    """The connection is to be closed now; `reset` as by a machine that went away."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


async def envelope(
    trouble: WireFault | None, request: bytes, machine: str, answer: Answer
) -> tuple[int, bytes]:
    """What the service answers, once a fault has had its way with the envelope."""
    if trouble is None:
        return await answer()
    status, body = await answer() if trouble.done else (200, b"")
    if trouble.kind == "fault":
        said = faults.Fault(trouble.code, "w:InternalError", "The lab was told to say this. ")
        return 500, soap.fault(said, soap.parse(request).message_id, machine)
    if trouble.kind == "truncated":
        return status, body[: trouble.kept(len(body))]
    return status, body


def instead(
    trouble: WireFault | None, response: http.Response, offers: list[tuple[str, str]]
) -> http.Response:
    """The response of a host in trouble."""
    if trouble is None:
        return response
    if trouble.kind == "status":
        headers = offers if trouble.status == 401 else []
        return http.Response(trouble.status, _PAGE, "text/html", headers)
    if trouble.kind == "content-type":
        return http.Response(response.status, response.body, "text/html", response.headers)
    return response


async def write(
    trouble: WireFault | None,
    response: http.Response,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Sends a response, or as much of it as the fault lets through; raises Broken."""
    data = http.render(response)
    if trouble is None:
        pass
    elif trouble.kind == "garbage":
        data = GARBAGE
    elif trouble.kind == "delay":
        await asyncio.sleep(trouble.seconds)
    elif trouble.kind in ("cut", "stall"):
        data = data[: trouble.kept(len(data))]
    writer.write(data)
    await writer.drain()
    if trouble is None or trouble.kind not in ("cut", "stall", "garbage"):
        return
    if trouble.kind == "stall":
        await reader.read(1)  # until the client has had enough
    raise Broken(reset=not data)

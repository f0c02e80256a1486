"""HTTP/1.1 as WinRM speaks it: POST with a length, connections kept, nothing else."""

from __future__ import annotations

import asyncio
import email.utils
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

_DISCARDED = 16 * 1024 * 1024


class BadRequest(Exception):
    """The bytes are no request that can be answered; the connection is of no more use."""

    def __init__(self, status: int) -> None:
        super().__init__(HTTPStatus(status).phrase)
        self.status = status


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes = b""
    content_type: str = ""
    headers: Sequence[tuple[str, str]] = ()


async def read_request(reader: asyncio.StreamReader, most: int) -> Request | None:
    """The next request, or None when the client has closed the connection between two.

    A body of more than `most` bytes is BadRequest 413: what a host says of a request above its
    MaxEnvelopeSizekb, before it looks at who asks.
    """
    try:
        first = await reader.readexactly(1)
        if not first.isalpha():  # a TLS greeting on the plain port would never send an empty line
            raise BadRequest(400)
        head = first + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise BadRequest(400) from None
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest(431) from None
    method, path, headers = _parse_head(head)
    if "transfer-encoding" in headers:
        raise BadRequest(411)
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise BadRequest(400)
    if int(length) > most:
        await _discard(reader, min(int(length), _DISCARDED))
        raise BadRequest(413)
    return Request(method, path, headers, await reader.readexactly(int(length)))


async def _discard(reader: asyncio.StreamReader, size: int) -> None:
    """Reads a body that nobody wants: closing over unread bytes may lose the answer on its way."""
    while size > 0 and (piece := await reader.read(65_536)):
        size -= len(piece)


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest(400)
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return words[0], words[1], headers


def render(response: Response) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    if response.content_type:
        lines.append(f"Content-Type: {response.content_type}")
    lines += [f"{name}: {value}" for name, value in response.headers]
    date = email.utils.formatdate(usegmt=True)
    lines += ["Server: Microsoft-HTTPAPI/2.0", f"Date: {date}"]
    lines += [f"Content-Length: {len(response.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + response.body

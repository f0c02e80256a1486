"""GET and HEAD of /content/<key>: a file's bytes, whole or a range (RFC 9110, 14).

Never all of it in memory, and wherever the store has them: hosts know the portal alone.
"""

import asyncio
import re
from typing import Any

from django.conf import settings

from apps.common import asgi
from apps.common.asgi import Receive, Send
from apps.common.errors import MethodNotAllowed, NotFound, PortalError
from apps.common.threads import in_thread
from apps.library import content, items, stores
from apps.library.models import StoredFile
from apps.library.pace import Pace

RANGE = re.compile(r"bytes=(\d+)-(\d*)\Z")
MIB = 1 << 20
#: Over all hosts, and all web processes.
_pace = Pace(lambda: settings.FABRIC_CONTENT_MIB_PER_SECOND * MIB)


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    try:
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodNotAllowed("Only GET and HEAD are served here.")
        key = scope["path"].removeprefix("/content/").strip("/")
        remote = (scope.get("client") or ("",))[0]
        found = await in_thread(_find, key, remote)
        opened = await in_thread(stores.current().open, found)
    except FileNotFoundError:
        await asgi.refuse(NotFound("There is nothing at this address."), send)
        return
    except PortalError as error:
        await asgi.refuse(error, send)
        return
    try:
        await _serve(scope, found, opened, send)
    finally:
        opened.close()


def _find(key: str, remote: str) -> StoredFile:
    if key.startswith("own/"):
        return items.owned_file(key.removeprefix("own/"))
    found = content.find(key, remote)
    content.used(found)
    return found.file


async def _serve(
    scope: dict[str, Any], found: StoredFile, opened: stores.Content, send: Send
) -> None:
    size = opened.size
    headers = dict(scope["headers"])
    asked = RANGE.match(headers.get(b"range", b"").decode("latin-1"))
    first = int(asked.group(1)) if asked else 0
    last = min(int(asked.group(2) or size - 1), size - 1) if asked else size - 1
    if asked and (first >= size or last < first):
        await _start(send, 416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
        await send({"type": "http.response.body", "body": b""})
        return
    sent = {"Content-Length": str(last - first + 1), "ETag": f'"{found.sha256}"'}
    if asked:
        sent["Content-Range"] = f"bytes {first}-{last}/{size}"
    await _start(send, 206 if asked else 200, sent)
    if scope["method"] == "GET":
        await _stream(opened, first, last, send)
    await send({"type": "http.response.body", "body": b""})


async def _start(send: Send, status: int, more: dict[str, str]) -> None:
    headers = {
        "Content-Type": "application/octet-stream", "Accept-Ranges": "bytes",
        "Cache-Control": "no-store", "Content-Disposition": "attachment", **more,
    }  # fmt: skip
    await asgi.start(send, status, headers)


async def _stream(opened: stores.Content, first: int, last: int, send: Send) -> None:
    """A store that breaks off ends the connection early: who asked sees by the length that it is
    short, and asks for the rest. One piece is read while the one before it is sent.
    """
    pieces = opened.pieces(first, last)

    def read() -> asyncio.Future[bytes]:
        return asyncio.ensure_future(asyncio.to_thread(next, pieces, b""))

    coming = read()
    try:
        while piece := await asyncio.shield(coming):
            coming = read()
            await _pace.take(len(piece))
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    finally:
        await asyncio.wait([coming])  # nothing is closed while it is read
        pieces.close()

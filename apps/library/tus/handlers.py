"""What each method does: create, ask, write, end."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils import timezone
from redis.exceptions import RedisError

from apps.accounts.asgi import person_behind
from apps.accounts.models import User
from apps.accounts.permissions import missing, require_noun
from apps.common.api import idempotency
from apps.common.errors import Conflict, PortalError, TooLarge, Unavailable, UploadExpired
from apps.common.threads import OwnThread, in_thread
from apps.library import uploads
from apps.library.api.serializers import UploadSerializer
from apps.library.choices import UploadStatus
from apps.library.models import Upload
from apps.library.tus import protocol
from apps.library.tus.body import Body, Gone
from apps.library.tus.protocol import Headers
from apps.library.tus.writing import Chunk

Reply = tuple[int, dict[str, str], bytes]
Handler = Callable[[dict[str, Any], Headers, Body, str], Awaitable[Reply]]
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_INTERRUPTIONS = (Gone, PortalError, OSError, RedisError, asyncio.CancelledError)


def fault() -> PortalError:
    """Disk or Redis don't answer, as a problem that clients of the protocol try again after."""
    return Unavailable("The upload can’t be taken just now.", hint="Try again in a moment.")


def find(method: str, key: str) -> Handler | None:
    """The handler of a tus request; None for what Django answers."""
    if not key:
        return {"POST": create, "OPTIONS": options}.get(method)
    if "/" in key:
        return None
    return {"PATCH": write, "HEAD": ask, "DELETE": end, "OPTIONS": options}.get(method)


async def options(scope: dict[str, Any], headers: Headers, body: Body, key: str) -> Reply:
    return 204, dict(protocol.OFFERED), b""


async def create(scope: dict[str, Any], headers: Headers, body: Body, key: str) -> Reply:
    """A new upload, and its first bytes if they come with it."""
    upload, reply = await in_thread(_create_once, scope, headers)
    if upload is None or body.is_over:
        return reply
    protocol.require_chunk_type(headers)
    await _receive(upload, headers, body, 0)
    return reply[0], {**reply[1], **protocol.standing(upload)}, reply[2]


def _create_once(scope: dict[str, Any], headers: Headers) -> tuple[Upload | None, Reply]:
    """The new upload and what to answer; no upload where the answer was given before."""
    user = person_behind(scope)
    require_noun(user, "upload", "upload")
    protocol.require_version(headers)
    found = _kept(user, headers)
    if isinstance(found, idempotency.Answer):
        again = {"Tus-Resumable": protocol.VERSION, "Idempotency-Replayed": "true"}
        return None, (found.status, {**found.headers, **again}, found.body)
    try:
        upload = _begin(user, headers)
        reply = _created(upload)
    except BaseException:
        if found is not None:
            idempotency.forget(found)
        raise
    if found is not None:
        kept = {name: reply[1][name] for name in ("Location", "Content-Type", "Upload-Expires")}
        idempotency.finish(found, idempotency.Answer(reply[0], kept, reply[2]))
    return upload, reply


def _kept(user: User, headers: Headers) -> idempotency.Answer | int | None:
    key = headers.get("idempotency-key")
    if key is None:
        return None
    told = [headers.get(name, "").encode() for name in ("upload-length", "upload-metadata")]
    print_ = idempotency.fingerprint("POST", "/api/v1/uploads/", *told)
    return idempotency.begin(user_id=str(user.pk), key=key, fingerprint=print_)


def _begin(user: User, headers: Headers) -> Upload:
    asked = protocol.creation(headers)
    return uploads.begin(
        actor=user,
        length=asked.length,
        filename=asked.metadata["filename"],
        kind=asked.metadata["kind"],
        tenant=asked.metadata.get("tenant"),
    )


def _created(upload: Upload) -> Reply:
    headers = {
        **protocol.standing(upload),
        "Location": reverse("upload-detail", args=[upload.pk]),
        "Content-Type": "application/json",
    }
    return 201, headers, json.dumps(UploadSerializer(upload).data, default=str).encode()


async def ask(scope: dict[str, Any], headers: Headers, body: Body, key: str) -> Reply:
    """How far an upload is."""
    upload = await in_thread(_visible, scope, key)
    protocol.require_version(headers)
    _require_alive(upload)
    return 200, {**protocol.standing(upload), "Upload-Length": str(upload.size)}, b""


async def end(scope: dict[str, Any], headers: Headers, body: Body, key: str) -> Reply:
    """Ends an upload before its time, or takes its row away after."""
    user, upload = await in_thread(_permitted, scope, key, "delete")
    protocol.require_version(headers)
    await in_thread(lambda: uploads.terminate(actor=user, upload=upload))
    return 204, {"Tus-Resumable": protocol.VERSION}, b""


async def write(scope: dict[str, Any], headers: Headers, body: Body, key: str) -> Reply:
    """Takes a chunk."""
    _, upload = await in_thread(_permitted, scope, key, "upload")
    protocol.require_version(headers)
    protocol.require_chunk_type(headers)
    offset = protocol.whole(headers, "Upload-Offset")
    _require_alive(upload)
    if upload.status != UploadStatus.RECEIVING:
        raise Conflict("The upload is whole already.", hint="Its row says what became of it.")
    await _receive(upload, headers, body, offset)
    return 204, protocol.standing(upload), b""


def _visible(scope: dict[str, Any], key: str) -> Upload:
    return _row(person_behind(scope), key)


def _permitted(scope: dict[str, Any], key: str, action: str) -> tuple[User, Upload]:
    """Not there (404) before not allowed (403), both before anything in the request is read."""
    user = person_behind(scope)
    upload = _row(user, key)
    require_noun(user, "upload", action)
    return user, upload


def _row(user: User, key: str) -> Upload:
    require_noun(user, "upload", "view")
    rows = Upload.objects.restrict(user, "view").select_related("file", "tenant")
    found = rows.filter(pk=key).first() if _ID.fullmatch(key) else None
    if found is None:
        raise missing("upload")
    return found


def _require_alive(upload: Upload) -> None:
    receiving = upload.status == UploadStatus.RECEIVING
    late = receiving and upload.expires_at is not None and upload.expires_at <= timezone.now()
    if upload.status == UploadStatus.EXPIRED or late:
        raise UploadExpired("The upload stood still for too long.", hint="Begin a new upload.")


async def _receive(upload: Upload, headers: Headers, body: Body, offset: int) -> None:
    """Writes the body to the file while it arrives. What came counts even if not all of it did."""
    announced = protocol.checksum(headers)
    if body.length is not None and offset + body.length > upload.size:
        raise TooLarge("The chunk goes beyond the upload’s length.")
    if upload.file is None:
        raise Conflict("The upload’s file is gone.", hint="Begin a new upload.")
    chunk = Chunk(upload, upload.file, announced)
    async with OwnThread("library-upload") as thread:
        await thread.run(chunk.open, offset)
        try:
            try:
                await _write(thread, chunk, body)
            except _INTERRUPTIONS:
                await thread.run(lambda: chunk.finish(whole=False))
                raise
            await thread.run(lambda: chunk.finish(whole=True))
        finally:
            await thread.run(chunk.close)


async def _write(thread: OwnThread, chunk: Chunk, body: Body) -> None:
    """Each piece is written while the next one arrives. What came is written when this ends."""
    last: asyncio.Future[None] | None = None
    try:
        async for piece in body.pieces():
            if last is not None:
                await last
            work = partial(chunk.write, piece) if piece else chunk.tell
            last = asyncio.ensure_future(thread.run(work))
    finally:
        if last is not None:
            await last

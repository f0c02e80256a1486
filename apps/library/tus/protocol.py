"""The protocol's headers: what is asked, checked; what is answered."""

import base64
import binascii
import datetime
from dataclasses import dataclass
from email.utils import format_datetime

from apps.common.errors import Invalid, Precondition, UnsupportedMediaType
from apps.library.models import Upload
from apps.library.uploads import LARGEST

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
CHUNK_TYPE = "application/offset+octet-stream"
LARGEST_METADATA = 16 << 10

Headers = dict[str, str]
OFFERED: Headers = {
    "Tus-Resumable": VERSION,
    "Tus-Version": VERSION,
    "Tus-Extension": EXTENSIONS,
    "Tus-Max-Size": str(LARGEST),
    "Tus-Checksum-Algorithm": "sha256",
}


@dataclass(frozen=True)
class Creation:
    """What a POST asks for."""

    length: int
    metadata: dict[str, str]


def require_version(headers: Headers) -> None:
    """Raises Precondition unless the client speaks version 1.0.0."""
    asked = headers.get("tus-resumable")
    if asked is None:
        raise Precondition(
            "The header Tus-Resumable is missing.", hint=f"Send Tus-Resumable: {VERSION}."
        )
    if asked != VERSION:
        raise Precondition(
            f"Version {asked[:20]} of the upload protocol isn’t served.",
            hint=f"Send Tus-Resumable: {VERSION}.",
        )


def creation(headers: Headers) -> Creation:
    """Raises Invalid naming the header or the key that is wrong."""
    if "upload-defer-length" in headers:
        raise Invalid.field("Upload-Defer-Length", "The length has to be known at the beginning.")
    length = whole(headers, "Upload-Length")
    metadata = _metadata(headers.get("upload-metadata", ""))
    for key in ("filename", "kind"):
        if key not in metadata:
            raise Invalid.field(key, "The metadata have to hold it.", "required")
    return Creation(length, metadata)


def whole(headers: Headers, name: str) -> int:
    """A header's whole number of bytes."""
    text = headers.get(name.lower(), "")
    if not text:
        raise Invalid.field(name, "The header is missing.", "required")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Invalid.field(name, "It has to be a whole number of bytes.")
    return int(text)


def _metadata(text: str) -> dict[str, str]:
    """`key base64,key base64`: keys are ASCII words, values UTF-8."""
    if len(text) > LARGEST_METADATA:
        raise Invalid.field("Upload-Metadata", "It is longer than 16 KiB.")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, _, value = pair.partition(" ")
        if key in found or not key.isascii():
            raise Invalid.field("Upload-Metadata", "Keys have to be ASCII, each one once.")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            raise Invalid.field("Upload-Metadata", "Values have to be base64 of UTF-8.") from None
    return found


def checksum(headers: Headers) -> bytes | None:
    """The announced SHA-256 of the chunk, or None."""
    text = headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    if algorithm.lower() != "sha256":
        raise Invalid.field("Upload-Checksum", "Only sha256 is known.")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 32:
        raise Invalid.field("Upload-Checksum", "It has to be sha256 and the digest in base64.")
    return digest


def require_chunk_type(headers: Headers) -> None:
    sent = headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != CHUNK_TYPE:
        raise UnsupportedMediaType("A chunk has to come as such.", hint=f"Send {CHUNK_TYPE}.")


def content_length(headers: Headers) -> int | None:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def standing(upload: Upload) -> Headers:
    """Where an upload stands."""
    found = {
        "Tus-Resumable": VERSION,
        "Upload-Offset": str(upload.offset),
        "Cache-Control": "no-store",
    }
    if upload.expires_at is not None:
        found["Upload-Expires"] = http_date(upload.expires_at)
    return found


def http_date(moment: datetime.datetime) -> str:
    return format_datetime(moment.astimezone(datetime.UTC), usegmt=True)

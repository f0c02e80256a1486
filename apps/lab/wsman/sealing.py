"""The multipart form that carries an encrypted envelope over plain HTTP ([MS-WSMV] 2.2.9.1).

CredSSP seals with TLS records, so a longer envelope comes in parts of 16 KiB under a type of its
own; the other protocols seal it in one.
"""

from __future__ import annotations

import re
import struct

import spnego

SOAP_TYPE = "application/soap+xml;charset=UTF-8"
_BOUNDARY = b"--Encrypted Boundary"
_END = _BOUNDARY + b"--\r\n"
_DATA_PART = b"\tContent-Type: application/octet-stream\r\n"
_PIECE = 16_384
_PROTOCOL = re.compile(r'protocol="([^"]+)"', re.IGNORECASE)
_LENGTH = re.compile(rb"Length=(\d+)")


class NotSealed(Exception):
    """The body is not the multipart form, or does not open with this connection's keys."""


def protocol_of(content_type: str) -> str:
    """The sealing protocol that a Content-Type names; "" when the body is not sealed."""
    if not content_type.lower().startswith(("multipart/encrypted", "multipart/x-multi-encrypted")):
        return ""
    match = _PROTOCOL.search(content_type)
    return match.group(1) if match else ""


def unseal(context: spnego.ContextProxy, protocol: str, body: bytes) -> bytes:
    """The plain envelope of all parts."""
    opening = _opening(protocol)
    if not body.startswith(opening) or not body.endswith(_END):
        raise NotSealed("not a multipart/encrypted body")
    parts = body[len(opening) : -len(_END)].split(opening)
    return b"".join(_unseal_part(context, part) for part in parts)


def _unseal_part(context: spnego.ContextProxy, part: bytes) -> bytes:
    """The cipher text is cut out by position: it may hold any bytes."""
    start = part.find(_DATA_PART)
    length = _LENGTH.search(part[: max(start, 0)])
    sealed = part[start + len(_DATA_PART) :]
    if length is None or len(sealed) < 4:
        raise NotSealed("a part of the multipart/encrypted body is missing")
    (header_length,) = struct.unpack("<I", sealed[:4])
    header, data = sealed[4 : 4 + header_length], sealed[4 + header_length :]
    try:
        plain = context.unwrap_winrm(header, data)
    except spnego.exceptions.SpnegoError as error:
        raise NotSealed(str(error)) from error
    if len(plain) != int(length.group(1)):
        raise NotSealed("the envelope is not as long as it says")
    return plain


def seal(context: spnego.ContextProxy, protocol: str, envelope: bytes) -> tuple[bytes, str]:
    """(body, Content-Type) that carry an envelope with this connection's keys."""
    size = _PIECE if "credssp" in protocol.lower() else len(envelope)
    pieces = [envelope[start : start + size] for start in range(0, len(envelope), size or 1)] or [
        envelope  # an empty one, too, is sealed
    ]
    body = b"".join(_seal_part(context, protocol, piece) for piece in pieces) + _END
    kind = "multipart/x-multi-encrypted" if len(pieces) > 1 else "multipart/encrypted"
    return body, f'{kind};protocol="{protocol}";boundary="Encrypted Boundary"'


def _seal_part(context: spnego.ContextProxy, protocol: str, piece: bytes) -> bytes:
    wrapped = context.wrap_winrm(piece)
    length = len(piece) + wrapped.padding_length
    return b"".join(
        [
            _opening(protocol),
            f"\tOriginalContent: type={SOAP_TYPE};Length={length}\r\n".encode(),
            _BOUNDARY + b"\r\n" + _DATA_PART,
            struct.pack("<I", len(wrapped.header)),
            wrapped.header,
            wrapped.data,
        ]
    )


def _opening(protocol: str) -> bytes:
    return _BOUNDARY + b"\r\n\tContent-Type: " + protocol.encode() + b"\r\n"

"""The multipart form that carries an encrypted envelope over plain HTTP ([MS-WSMV] 2.2.9.1)."""

from __future__ import annotations

import re
import struct

import spnego

SOAP_TYPE = "application/soap+xml;charset=UTF-8"
_BOUNDARY = b"--Encrypted Boundary"
_END = _BOUNDARY + b"--\r\n"
_DATA_PART = b"\tContent-Type: application/octet-stream\r\n"
_PROTOCOL = re.compile(r'protocol="([^"]+)"', re.IGNORECASE)
_LENGTH = re.compile(rb"Length=(\d+)")


class NotSealed(Exception):
    """The body is not the multipart form, or does not open with this connection's keys."""


def protocol_of(content_type: str) -> str:
    """The sealing protocol that a Content-Type names; "" when the body is not sealed."""
    if not content_type.lower().startswith("multipart/encrypted"):
        return ""
    match = _PROTOCOL.search(content_type)
    return match.group(1) if match else ""


def unseal(context: spnego.ContextProxy, body: bytes) -> bytes:
    """The plain envelope. The cipher text is cut out by position: it may hold any bytes."""
    start = body.find(_DATA_PART)
    if start < 0 or not body.endswith(_END):
        raise NotSealed("not a multipart/encrypted body")
    length = _LENGTH.search(body[:start])
    sealed = body[start + len(_DATA_PART) : -len(_END)]
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
    wrapped = context.wrap_winrm(envelope)
    length = len(envelope) + wrapped.padding_length
    body = b"".join(
        [
            _BOUNDARY + b"\r\n\tContent-Type: " + protocol.encode() + b"\r\n",
            f"\tOriginalContent: type={SOAP_TYPE};Length={length}\r\n".encode(),
            _BOUNDARY + b"\r\n" + _DATA_PART,
            struct.pack("<I", len(wrapped.header)),
            wrapped.header,
            wrapped.data,
            _END,
        ]
    )
    return body, f'multipart/encrypted;protocol="{protocol}";boundary="Encrypted Boundary"'

"""Channel binding: whether a sign-in was made for this very TLS channel (RFC 5929, [MS-NLMP])."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

from cryptography import x509
from spnego.channel_bindings import GssChannelBindings

_AUTHENTICATE = b"NTLMSSP\x00\x03\x00\x00\x00"
_NT_RESPONSE = 20  # offset of NtChallengeResponseFields, [MS-NLMP] 2.2.1.3
_AV_PAIRS = 44  # offset of the target information in an NTLMv2 response, 2.2.2.7
_END, _CHANNEL_BINDINGS = 0, 10
_CHANNEL_BOUND = 0x800  # GSS_C_CHANNEL_BOUND_FLAG


def of_certificate(der: bytes) -> GssChannelBindings:
    """The binding "tls-server-end-point": a digest over the certificate, as it was signed.

    A signature by MD5 or SHA-1 counts as one by SHA-256 (RFC 5929, 4.1).
    """
    signed = x509.load_der_x509_certificate(der).signature_hash_algorithm
    weak = signed is None or signed.name in ("md5", "sha1")
    digest = hashlib.new("sha256" if weak or signed is None else signed.name, der).digest()
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


def ntlm_binding(token: bytes) -> bytes | None:
    """The binding in an NTLM AUTHENTICATE message, also one within SPNEGO.

    None: the token is none of these. b"": the client bound its sign-in to no channel. Raises
    struct.error for a message that is cut off.
    """
    start = token.find(_AUTHENTICATE)
    if start < 0:
        return None
    length, _, offset = struct.unpack_from("<HHI", token, start + _NT_RESPONSE)
    pairs = token[start + offset : start + offset + length][_AV_PAIRS:]
    while len(pairs) >= 4:
        kind, size = struct.unpack_from("<HH", pairs)
        value, pairs = pairs[4 : 4 + size], pairs[4 + size :]
        if kind == _CHANNEL_BINDINGS:
            return value if any(value) else b""
        if kind == _END:
            break
    return b""


def is_unbound_kerberos(context: Any) -> bool:
    """Whether a Kerberos sign-in that has ended was bound to no channel.

    MIT's library takes one that the client didn't bind and only tells so by a flag, which pyspnego
    keeps to itself: it is asked of the GSSAPI context within.
    """
    while context is not None and not hasattr(context, "actual_flags"):
        context = getattr(context, "_context", None)
    return context is not None and not context.actual_flags & _CHANNEL_BOUND

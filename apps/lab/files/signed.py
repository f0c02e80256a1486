"""The lab's containers: a first line that says what it is, one line of JSON, one of signature."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from apps.lab.identities import Identity, verifies

LARGEST = 4 << 20


class NotThis(Exception):
    """The bytes are no container of this kind."""


class Tampered(Exception):
    """The container's signature does not fit its content."""


def to_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def from_text(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def first_line(kind: str) -> bytes:
    """FABRIC-PORTAL-LAB-VSC and the like."""
    return f"FABRIC-PORTAL-LAB-{kind}\n".encode()


def write(kind: str, body: dict[str, Any], signer: Identity) -> bytes:
    signed = first_line(kind) + json.dumps(body, separators=(",", ":")).encode() + b"\n"
    return signed + base64.b64encode(signer.sign(signed)) + b"\n"


def read(
    kind: str, content: bytes, certificate_of: Callable[[dict[str, Any]], bytes]
) -> dict[str, Any]:
    """The body, its signature checked with the certificate that the body names.

    Raises NotThis for other bytes, Tampered for a container whose content was changed.
    """
    head = first_line(kind)
    if not content.startswith(head):
        raise NotThis(kind)
    line, _, tail = content[len(head) :].partition(b"\n")
    try:
        body = json.loads(line)
        good = verifies(certificate_of(body), from_text(tail.decode().strip()), head + line + b"\n")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, binascii.Error):
        raise Tampered(f"the {kind} is damaged") from None
    if not good:
        raise Tampered(f"the signature of the {kind} is not valid")
    return dict(body)

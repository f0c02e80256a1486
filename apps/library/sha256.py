"""SHA-256 that can be put down and taken up again, by another process if need be.

hashlib keeps its state to itself. OpenSSL's SHA256_CTX (openssl/sha.h) is a plain structure: eight
words, the number of bits, and the bytes of a block that isn't full yet. What is kept of it is the
words after the last whole block of 64 bytes. They tell nothing of the content, so they may lie in
the database; the up to 63 bytes that follow are read again from where the file is.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
from functools import cache
from typing import Any

BLOCK = 64
_LIBRARIES = ("libcrypto.so.3", "libcrypto.so.4", "libcrypto.so.1.1")
_WORDS = 8
logger = logging.getLogger(__name__)


class _Context(ctypes.Structure):
    """SHA256_CTX. `high` and `low` are the two halves of the number of bits."""

    _fields_ = [
        ("words", ctypes.c_uint32 * _WORDS),
        ("low", ctypes.c_uint32),
        ("high", ctypes.c_uint32),
        ("block", ctypes.c_uint32 * 16),
        ("number", ctypes.c_uint),
        ("length", ctypes.c_uint),
    ]


class Sha256:
    """The hash of what it was given. Where OpenSSL isn't at hand it has no `state`."""

    def __init__(self) -> None:
        self._library = _library()
        self._plain = hashlib.sha256() if self._library is None else None
        self._context = _Context()
        if self._library is not None:
            self._library.SHA256_Init(ctypes.byref(self._context))

    @classmethod
    def resumed(cls, state: str, length: int, rest: bytes) -> Sha256 | None:
        """The hash of the first `length` bytes: `state` is that of its whole blocks, `rest` what
        follows them. None where `state` is of no use here.
        """
        found = cls()
        if found._library is None or len(state) != _WORDS * 8 or len(rest) != length % BLOCK:
            return None
        bits = (length - len(rest)) * 8
        found._context.words[:] = [int(state[at : at + 8], 16) for at in range(0, 64, 8)]
        found._context.low, found._context.high = bits & 0xFFFFFFFF, bits >> 32
        found.update(rest)
        return found

    def update(self, piece: bytes) -> None:
        if self._library is None or self._plain is not None:
            self._plain.update(piece)  # type: ignore[union-attr]
            return
        self._library.SHA256_Update(ctypes.byref(self._context), piece, len(piece))

    @property
    def state(self) -> str:
        """The words after the last whole block, in hexadecimal; empty where they can't be had."""
        if self._library is None:
            return ""
        return "".join(f"{word:08x}" for word in self._context.words)

    def hexdigest(self) -> str:
        """The hash of what came so far; more may come."""
        if self._library is None or self._plain is not None:
            return self._plain.hexdigest()  # type: ignore[union-attr]
        copy, out = _Context.from_buffer_copy(self._context), ctypes.create_string_buffer(32)
        self._library.SHA256_Final(out, ctypes.byref(copy))
        return out.raw.hex()


@cache
def _library() -> Any | None:
    """OpenSSL's library, if it is there and does as it should."""
    for name in _LIBRARIES:
        try:
            found = ctypes.CDLL(name)
            found.SHA256_Update.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)
        except (OSError, AttributeError):
            continue
        if _is_right(found):
            return found
    logger.warning(
        "No OpenSSL library with SHA256_Update is here: files whose upload was interrupted are "
        "read once more at their end."
    )
    return None


def _is_right(library: Any) -> bool:
    """Whether the structure is what it is taken for: put down in the middle, taken up, compared."""
    content = os.urandom(1000)
    first, second, out = _Context(), _Context(), ctypes.create_string_buffer(32)
    library.SHA256_Init(ctypes.byref(first))
    library.SHA256_Update(ctypes.byref(first), content[:500], 500)
    library.SHA256_Init(ctypes.byref(second))
    second.words[:], second.low, second.high = first.words[:], 448 * 8, 0
    library.SHA256_Update(ctypes.byref(second), content[448:], len(content) - 448)
    library.SHA256_Final(out, ctypes.byref(second))
    return out.raw == hashlib.sha256(content).digest()

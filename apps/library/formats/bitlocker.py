"""BitLocker on a partition: how it is encrypted and what protects the key. No key is needed.

Offsets as in the notes of libyal/libbde on the on-disk format.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.library.formats.source import Source

SIGNATURE = b"-FVE-FS-"
_WHOLE = uuid.UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001").bytes_le
_USED_SPACE = uuid.UUID("92a84d3b-dd80-4d0e-9e4e-b1e3284eaed8").bytes_le
LARGEST_METADATA = 64 << 10
MOST_PROTECTORS = 64
METHODS = {
    0x8000: "aes-128-cbc-diffuser",
    0x8001: "aes-256-cbc-diffuser",
    0x8002: "aes-128-cbc",
    0x8003: "aes-256-cbc",
    0x8004: "xts-aes-128",
    0x8005: "xts-aes-256",
}
CLEAR_KEY = "clear-key"
PROTECTORS = {
    0x0000: CLEAR_KEY,
    0x0100: "tpm",
    0x0200: "startup-key",
    0x0500: "tpm-and-pin",
    0x0800: "recovery-password",
    0x2000: "password",
}
_VOLUME_MASTER_KEY = 2
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class BitLocker:
    """`method` and `protectors` in words; a number that isn't known stays `unknown-…`.

    `created_at` is None where the volume states a time that no calendar has.
    """

    method: str
    protectors: tuple[str, ...]
    volume_id: uuid.UUID
    created_at: datetime | None

    @property
    def in_the_clear(self) -> bool:
        """Whether the key lies beside the data: encrypted, and protected from nobody."""
        return CLEAR_KEY in self.protectors

    def as_dict(self) -> dict[str, Any]:
        created = self.created_at
        return {
            "method": self.method,
            "protectors": list(self.protectors),
            "volume_id": str(self.volume_id),
            "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ") if created else None,
        }


def has_boot_sector(volume: Source) -> bool:
    """Whether the volume begins as one of BitLocker does."""
    return _metadata_offsets(volume.read(0, 512)) is not None


def read(volume: Source) -> BitLocker | None:
    """BitLocker's facts from the first of its three metadata blocks that can be read, or None."""
    for offset in _metadata_offsets(volume.read(0, 512)) or ():
        found = _read_block(volume, offset)
        if found is not None:
            return found
    return None


def _metadata_offsets(boot: bytes) -> tuple[int, ...] | None:
    if len(boot) < 512:
        return None
    if boot[3:11] == SIGNATURE and boot[160:176] in (_WHOLE, _USED_SPACE):
        return struct.unpack_from("<3Q", boot, 176)
    if boot[3:11] == b"MSWIN4.1" and boot[424:440] in (_WHOLE, _USED_SPACE):
        return struct.unpack_from("<3Q", boot, 440)
    return None


def _read_block(volume: Source, offset: int) -> BitLocker | None:
    head = volume.read(offset, 64 + 48)
    if len(head) < 112 or head[:8] != SIGNATURE:
        return None
    (version,) = struct.unpack_from("<H", head, 10)
    size, _, header_size, _ = struct.unpack_from("<IIII", head, 64)
    if version != 2 or header_size != 48 or not 48 <= size <= LARGEST_METADATA:
        return None
    raw_id, method, created = struct.unpack_from("<16s4xIQ", head, 64 + 16)
    entries = volume.read(offset + 112, size - 48)
    words = METHODS.get(method & 0xFFFF, f"unknown-{method & 0xFFFF:04x}")
    return BitLocker(words, _protectors(entries), uuid.UUID(bytes_le=raw_id), _time(created))


def _time(filetime: int) -> datetime | None:
    """A FILETIME, which counts 100 ns since 1601."""
    try:
        return _EPOCH + timedelta(microseconds=filetime // 10)
    except OverflowError:
        return None


def _protectors(entries: bytes) -> tuple[str, ...]:
    """What protects each volume master key, in the order of the entries."""
    found: list[str] = []
    at = 0
    while at + 8 <= len(entries) and len(found) < MOST_PROTECTORS:
        size, kind = struct.unpack_from("<HH", entries, at)
        if size < 8 or at + size > len(entries):
            break
        # 8 bytes of the entry's own header, then the key's GUID and time, then its protection
        if kind == _VOLUME_MASTER_KEY and size >= 8 + 28:
            (word,) = struct.unpack_from("<H", entries, at + 8 + 26)
            found.append(PROTECTORS.get(word, f"unknown-{word:04x}"))
        at += size
    return tuple(found)

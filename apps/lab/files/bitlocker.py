"""What anybody sees of a BitLocker volume: boot sector, three metadata blocks, ciphertext.

The layout is that of Windows 7 and later, after libyal/libbde's notes. There is no plain text
behind the ciphertext: the lab never unlocks a volume.
"""

from __future__ import annotations

import hashlib
import struct
import uuid
import zlib

_SIGNATURE = b"-FVE-FS-"
_KIND = uuid.UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001").bytes_le
_XTS_128 = 0x8004
_TPM, _RECOVERY_PASSWORD = 0x0100, 0x0800
_TIME = 133_642_944_000_000_000  # 1 July 2024 as a FILETIME: disks of one seed are equal
_PLACES = (33 << 20, 55 << 20, 77 << 20)
_CIPHERTEXT = (64 << 10, 3 << 20)  # from, bytes


def volume(size: int, seed: bytes) -> dict[int, bytes]:
    """Content by offset of an encrypted volume, whose key a TPM and a recovery password protect."""
    if size <= _PLACES[-1] + (64 << 10):
        raise ValueError("the volume is too small for its metadata")
    start, length = _CIPHERTEXT
    block = _block(size, seed)
    return {
        0: _boot(size),
        start: _random(seed, "ciphertext", length),
        **dict.fromkeys(_PLACES, block),
    }


def _random(seed: bytes, purpose: str, size: int) -> bytes:
    return hashlib.shake_256(seed + purpose.encode()).digest(size)


def _boot(size: int) -> bytes:
    raw = bytearray(512)
    struct.pack_into("<3s8sHBH", raw, 0, b"\xeb\x58\x90", _SIGNATURE, 512, 8, 0)
    struct.pack_into("<B", raw, 21, 0xF8)
    struct.pack_into("<Q", raw, 40, size // 512)
    raw[82:90] = b"FAT32   "
    struct.pack_into("<16sQQQ", raw, 160, _KIND, *_PLACES)
    raw[510:] = b"\x55\xaa"
    return bytes(raw)


def _block(size: int, seed: bytes) -> bytes:
    metadata = _metadata(seed)
    head = struct.pack(
        "<8sHHHHQII3QQ", _SIGNATURE, 64 + len(metadata) >> 4, 2, 4, 4, size, 0, 16, *_PLACES,
        _CIPHERTEXT[0],
    )  # fmt: skip
    block = head + metadata
    return block + struct.pack("<HHI", 8, 1, zlib.crc32(block))


def _metadata(seed: bytes) -> bytes:
    entries = _entry(7, 2, 1, "LAB OS 7/1/2024\0".encode("utf-16-le"))
    entries += _master_key(seed, "tpm", _TPM) + _master_key(seed, "recovery", _RECOVERY_PASSWORD)
    entries += _entry(3, 5, 1, _sealed_key(seed, "volume key", 44))
    size = 48 + len(entries)
    volume_id = _random(seed, "volume id", 16)
    head = struct.pack("<IIII16sIIQ", size, 1, 48, size, volume_id, 5, _XTS_128, _TIME)
    return head + entries


def _entry(kind: int, value: int, version: int, data: bytes) -> bytes:
    return struct.pack("<HHHH", 8 + len(data), kind, value, version) + data


def _master_key(seed: bytes, name: str, protection: int) -> bytes:
    head = struct.pack("<16sQHH", _random(seed, name, 16), _TIME, 0, protection)
    stretch = b""
    if protection == _RECOVERY_PASSWORD:
        salt = _random(seed, name + " salt", 16)
        stretch = _entry(0, 3, 1, struct.pack("<HH16s", 0x1000, 0, salt))
    return _entry(2, 8, 1, head + stretch + _entry(0, 5, 1, _sealed_key(seed, name, 60)))


def _sealed_key(seed: bytes, name: str, size: int) -> bytes:
    """Nonce (time and counter), then authentication tag and encrypted key."""
    return struct.pack("<QI", _TIME, 3) + _random(seed, name + " sealed", size)

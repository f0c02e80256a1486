"""VHDX containers ([MS-VHDX]): writes dynamic ones, reads dynamic and fixed ones.

What is read comes from a portal that has checked it already; here a file that can't be read is
simply `DiskError`.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

MIB = 1 << 20
BLOCK = MIB
SECTOR = 512
_BAT = uuid.UUID("2DC27766-F623-4200-9D64-115E9BFD4A08").bytes_le
_METADATA = uuid.UUID("8B7CA206-4790-4B9A-B8FE-575F050F886E").bytes_le
_PARAMETERS = uuid.UUID("CAA16737-FA36-4D43-B3B6-33F0AA44E76B").bytes_le
_SIZE = uuid.UUID("2FA54224-CD1B-4876-B211-5DBED83BF4B8").bytes_le
_PAGE_83 = uuid.UUID("BECA12AB-B2E6-4523-93EF-C309E000C746").bytes_le
_LOGICAL = uuid.UUID("8141BF1D-A96F-4709-BA47-F233A8FAAB5F").bytes_le
_PHYSICAL = uuid.UUID("CDA348C7-445D-4471-9CC9-E9885251C556").bytes_le
_LOG_AT, _METADATA_AT, _BAT_AT, _PAYLOAD_AT = 1, 2, 3, 4  # MiB
_PRESENT = 6


class DiskError(Exception):
    """The file is no disk that can be read."""


def _table() -> Iterable[int]:
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


_CRC = tuple(_table())


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), which guards every structure of the container."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC[(value ^ byte) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF


def _sealed(structure: bytearray) -> bytes:
    """A structure with its checksum at byte 4, taken while that field is zero."""
    structure[4:8] = struct.pack("<I", crc32c(bytes(structure)))
    return bytes(structure)


# ---- writing
def write(path: Path, size: int, extents: Mapping[int, bytes], identity: uuid.UUID) -> None:
    """A dynamic disk of `size` bytes with content at the given byte offsets, zeros elsewhere.

    Blocks without content take no space in the file.
    """
    blocks = _blocks(extents)
    numbers = {block: _PAYLOAD_AT + i for i, block in enumerate(sorted(blocks))}
    with path.open("wb") as file:
        _put(file, 0, b"vhdxfile" + "Fabric Portal lab".encode("utf-16-le"))
        for i, at in enumerate((64 << 10, 128 << 10)):
            _put(file, at, _header(i, identity))
        for at in (192 << 10, 256 << 10):
            _put(file, at, _regions())
        _put(file, _METADATA_AT * MIB, _metadata(size, identity))
        _put(file, _BAT_AT * MIB, _allocation(size, numbers))
        for block, number in numbers.items():
            _put(file, number * MIB, bytes(blocks[block]))
        file.truncate((_PAYLOAD_AT + len(blocks)) * MIB)


def _put(file: BinaryIO, at: int, content: bytes) -> None:
    file.seek(at)
    file.write(content)


def _blocks(extents: Mapping[int, bytes]) -> dict[int, bytearray]:
    blocks: dict[int, bytearray] = {}
    for start, content in extents.items():
        at = 0
        while at < len(content):
            number, inside = divmod(start + at, BLOCK)
            part = content[at : at + BLOCK - inside]
            if any(part):
                block = blocks.setdefault(number, bytearray(BLOCK))
                block[inside : inside + len(part)] = part
            at += len(part)
    return blocks


def _header(number: int, identity: uuid.UUID) -> bytes:
    """The second one is the newer: the higher sequence number counts."""
    raw = bytearray(4096)
    struct.pack_into("<4sIQ", raw, 0, b"head", 0, 7 + number)
    raw[16:32] = raw[32:48] = identity.bytes_le
    struct.pack_into("<HHIQ", raw, 64, 0, 1, MIB, _LOG_AT * MIB)
    return _sealed(raw)


def _regions() -> bytes:
    raw = bytearray(64 << 10)
    struct.pack_into("<4sIII", raw, 0, b"regi", 0, 2, 0)
    struct.pack_into("<16sQII", raw, 16, _BAT, _BAT_AT * MIB, MIB, 1)
    struct.pack_into("<16sQII", raw, 48, _METADATA, _METADATA_AT * MIB, MIB, 1)
    return _sealed(raw)


def _metadata(size: int, identity: uuid.UUID) -> bytes:
    items = (
        (_PARAMETERS, struct.pack("<II", BLOCK, 0), 4),
        (_SIZE, struct.pack("<Q", size), 6),
        (_PAGE_83, identity.bytes_le, 6),
        (_LOGICAL, struct.pack("<I", SECTOR), 6),
        (_PHYSICAL, struct.pack("<I", 4096), 6),
    )
    raw = bytearray(65 << 10)
    struct.pack_into("<8sHH", raw, 0, b"metadata", 0, len(items))
    at = 64 << 10
    for i, (item, content, flags) in enumerate(items):
        struct.pack_into("<16sIII", raw, 32 + 32 * i, item, at, len(content), flags)
        raw[at : at + len(content)] = content
        at += len(content)
    return bytes(raw)


def _entry_index(block: int, block_size: int, sector: int) -> int:
    """Where a block's entry is: between the chunks lie entries for sector bitmaps."""
    return block + block // ((1 << 23) * sector // block_size)


def _allocation(size: int, numbers: Mapping[int, int]) -> bytes:
    count = -(-size // BLOCK)
    raw = bytearray(8 * (_entry_index(count - 1, BLOCK, SECTOR) + 1))
    for block, number in numbers.items():
        entry = number << 20 | _PRESENT
        struct.pack_into("<Q", raw, 8 * _entry_index(block, BLOCK, SECTOR), entry)
    return bytes(raw)


# ---- reading
class Vhdx:
    """The virtual disk inside a file: `size` bytes, `sector` bytes a sector."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        if self._raw(0, 8) != b"vhdxfile":
            raise DiskError("The file is not a virtual hard disk of format VHDX.")
        regions = self._regions()
        try:
            items = self._items(regions[_METADATA])
            self._block, _ = struct.unpack("<II", items[_PARAMETERS])
            (self.size,) = struct.unpack("<Q", items[_SIZE])
            (self.sector,) = struct.unpack("<I", items[_LOGICAL])
            self._bat = regions[_BAT]
        except (KeyError, struct.error):
            raise DiskError("The virtual hard disk is corrupt.") from None

    def _raw(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        return self._file.read(size)

    def _regions(self) -> dict[bytes, int]:
        for at in (192 << 10, 256 << 10):
            raw = self._raw(at, 64 << 10)
            if raw[:4] == b"regi":
                (count,) = struct.unpack_from("<I", raw, 8)
                entries = (struct.unpack_from("<16sQ", raw, 16 + 32 * i) for i in range(count))
                return dict(entries)
        raise DiskError("The virtual hard disk has no region table.")

    def _items(self, at: int) -> dict[bytes, bytes]:
        head = self._raw(at, 64 << 10)
        (count,) = struct.unpack_from("<H", head, 10)
        items = (struct.unpack_from("<16sII", head, 32 + 32 * i) for i in range(count))
        return {name: self._raw(at + offset, length) for name, offset, length in items}

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the virtual disk; nothing lies beyond its end."""
        parts = []
        end = min(offset + length, self.size)
        while offset < end:
            block, inside = divmod(offset, self._block)
            count = min(self._block - inside, end - offset)
            parts.append(self._part(block, inside, count))
            offset += count
        return b"".join(parts)

    def _part(self, block: int, inside: int, count: int) -> bytes:
        index = _entry_index(block, self._block, self.sector)
        raw = self._raw(self._bat + 8 * index, 8)
        entry = struct.unpack("<Q", raw)[0] if len(raw) == 8 else 0
        if entry & 7 != _PRESENT:
            return bytes(count)
        return self._raw((entry >> 20 << 20) + inside, count).ljust(count, b"\0")

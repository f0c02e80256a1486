"""GUID partition tables: writes one, reads one."""

from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass
from typing import Protocol

EFI_SYSTEM = uuid.UUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
RESERVED = uuid.UUID("E3C9E316-0B5C-4DB8-817D-F92DF00215AE")
BASIC_DATA = uuid.UUID("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")
_COUNT, _ENTRY, _SECTOR = 128, 128, 512
_TABLE_SECTORS = _COUNT * _ENTRY // _SECTOR


class Readable(Protocol):
    """Bytes that can be asked for by place."""

    size: int

    def read(self, offset: int, length: int) -> bytes: ...


@dataclass(frozen=True)
class Partition:
    """Offset and size in bytes."""

    type: uuid.UUID
    name: str
    offset: int
    size: int


def table(disk_id: uuid.UUID, size: int, partitions: list[Partition]) -> dict[int, bytes]:
    """What a disk of 512-byte sectors has at its two ends."""
    last = size // _SECTOR - 1
    entries = b"".join(_entry(disk_id, row) for row in partitions).ljust(_COUNT * _ENTRY, b"\0")
    back = last - _TABLE_SECTORS
    return {
        0: _protective(last),
        _SECTOR: _header(disk_id, 1, last, 2, last, entries),
        2 * _SECTOR: entries,
        back * _SECTOR: entries,
        last * _SECTOR: _header(disk_id, last, 1, back, last, entries),
    }


def _protective(last: int) -> bytes:
    raw = bytearray(_SECTOR)
    extent = b"\0\0\2\0\xee\xff\xff\xff"
    struct.pack_into("<8sII", raw, 446, extent, 1, min(last, 0xFFFFFFFF))
    raw[510:] = b"\x55\xaa"
    return bytes(raw)


def _entry(disk_id: uuid.UUID, row: Partition) -> bytes:
    own = uuid.uuid5(disk_id, row.name)
    first, last = row.offset // _SECTOR, (row.offset + row.size) // _SECTOR - 1
    name = row.name.encode("utf-16-le")
    return struct.pack("<16s16sQQQ72s", row.type.bytes_le, own.bytes_le, first, last, 0, name)


def _header(
    disk_id: uuid.UUID, here: int, other: int, entries_at: int, last: int, entries: bytes
) -> bytes:
    raw = bytearray(_SECTOR)
    usable = 2 + _TABLE_SECTORS, last - _TABLE_SECTORS - 1
    struct.pack_into("<8sIII", raw, 0, b"EFI PART", 0x10000, 92, 0)
    struct.pack_into("<QQQQ16s", raw, 24, here, other, *usable, disk_id.bytes_le)
    struct.pack_into("<QIII", raw, 72, entries_at, _COUNT, _ENTRY, zlib.crc32(entries))
    struct.pack_into("<I", raw, 16, zlib.crc32(bytes(raw[:92])))
    return bytes(raw)


def disk_id(disk: Readable, sector: int) -> uuid.UUID | None:
    """The disk's own GUID; None without a partition table."""
    head = disk.read(sector, 92)
    return uuid.UUID(bytes_le=head[56:72]) if head[:8] == b"EFI PART" else None


def partitions(disk: Readable, sector: int) -> list[Partition]:
    """In the order of the table; empty without one."""
    head = disk.read(sector, 92)
    if head[:8] != b"EFI PART":
        return []
    at, count, size = struct.unpack_from("<QII", head, 72)
    raw = disk.read(at * sector, min(count, 1024) * size)
    return [
        _partition(raw[i : i + size], sector)
        for i in range(0, len(raw), size)
        if any(raw[i : i + 16])
    ]


def _partition(raw: bytes, sector: int) -> Partition:
    first, last = struct.unpack_from("<QQ", raw, 32)
    name = raw[56:128].decode("utf-16-le", "replace").split("\0")[0]
    kind = uuid.UUID(bytes_le=raw[:16])
    return Partition(kind, name, first * sector, (last - first + 1) * sector)


class Window:
    """A partition as something to read by itself."""

    def __init__(self, disk: Readable, partition: Partition) -> None:
        self._disk, self._offset, self.size = disk, partition.offset, partition.size

    def read(self, offset: int, length: int) -> bytes:
        return self._disk.read(self._offset + offset, max(0, min(length, self.size - offset)))

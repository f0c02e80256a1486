"""The partition table of a disk: GPT (UEFI 2.10, chapter 5), and what is there instead of one."""

from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass

from apps.library.formats.errors import DiskRefused
from apps.library.formats.source import Source

MOST_PARTITIONS = 1024

EFI_SYSTEM = "efi-system"
BASIC_DATA = "basic-data"
DYNAMIC = ("dynamic-disk-metadata", "dynamic-disk-data")
TYPES = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": EFI_SYSTEM,
    "e3c9e316-0b5c-4db8-817d-f92df00215ae": "microsoft-reserved",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": BASIC_DATA,
    "de94bba4-06d1-4d40-a16a-bfd50179d6ac": "windows-recovery",
    "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3": DYNAMIC[0],
    "af9b60a0-1431-4f62-bc68-3311714a69ad": DYNAMIC[1],
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "linux-file-system",
    "e6d6d379-f507-44c2-a23c-238f2a3df928": "linux-lvm",
}


@dataclass(frozen=True)
class Partition:
    """`type` is a word of TYPES, else the type's GUID; offset and size are in bytes.

    `encryption` isn't in the table: `bitlocker`, `luks`, or empty where none was found.
    """

    type: str
    name: str
    offset: int
    size_bytes: int
    encryption: str = ""


@dataclass(frozen=True)
class _Header:
    entries_lba: int
    count: int
    entry_bytes: int
    entries_crc: int


def partitions(disk: Source, sector: int) -> list[Partition]:
    """The partitions in the table's order; raises DiskRefused where there is no usable GPT."""
    damaged = False
    for lba in (1, disk.size // sector - 1):
        raw = disk.read(lba * sector, sector)
        if raw[:8] != b"EFI PART":
            continue
        header = _header(raw, lba)
        entries = _entries(disk, sector, header) if header else None
        if header and entries is not None:
            return _partitions(entries, header.entry_bytes, disk.size // sector, sector)
        damaged = True
    if damaged:
        raise DiskRefused("no-partition-table", "The partition table (GPT) is damaged.")
    raise DiskRefused("mbr-disk" if _is_mbr(disk.read(0, 512)) else "no-partition-table")


def _header(raw: bytes, lba: int) -> _Header | None:
    size, stated = struct.unpack_from("<II", raw, 12)
    if not 92 <= size <= len(raw):
        return None
    (own,) = struct.unpack_from("<Q", raw, 24)
    if zlib.crc32(raw[:16] + bytes(4) + raw[20:size]) != stated or own != lba:
        return None
    found = _Header(*struct.unpack_from("<QIII", raw, 72))
    fits = 0 < found.count <= MOST_PARTITIONS and found.entry_bytes in (128, 256, 512, 1024)
    return found if fits else None


def _entries(disk: Source, sector: int, header: _Header) -> bytes | None:
    length = header.count * header.entry_bytes
    if header.entries_lba * sector + length > disk.size:
        return None
    raw = disk.read(header.entries_lba * sector, length)
    return raw if zlib.crc32(raw) == header.entries_crc else None


def _partitions(entries: bytes, step: int, sectors: int, sector: int) -> list[Partition]:
    found = []
    for at in range(0, len(entries), step):
        kind = uuid.UUID(bytes_le=entries[at : at + 16])
        if not kind.int:
            continue
        first, last = struct.unpack_from("<QQ", entries, at + 32)
        if not 1 < first <= last < sectors:
            raise DiskRefused(
                "no-partition-table", "The partition table (GPT) contradicts the disk."
            )
        name = entries[at + 56 : at + 128].decode("utf-16-le", "replace").partition("\0")[0]
        found.append(
            Partition(
                TYPES.get(str(kind), str(kind)),
                "".join(letter for letter in name if letter.isprintable()),
                first * sector,
                (last - first + 1) * sector,
            )
        )
    return found


def _is_mbr(first: bytes) -> bool:
    """A boot signature, and four entries that could be partitions of an MBR."""
    if first[510:512] != b"\x55\xaa":
        return False
    return all(first[446 + 16 * number] in (0x00, 0x80) for number in range(4))

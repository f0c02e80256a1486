"""Partitions of a disk (UEFI specification, 5.3: GUID partition table)."""

import uuid
import zlib
from dataclasses import dataclass

from apps.library.formats.refusals import DiskRefused
from apps.library.formats.source import u32, u64
from apps.library.formats.vhdx import Vhdx

EFI_SYSTEM = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
#: Windows' logical disk manager: what disk management calls a dynamic disk.
LDM = {
    uuid.UUID("5808c8aa-7e8f-42e0-85d2-e1e90434cfb3"),
    uuid.UUID("af9b60a0-1431-4f62-bc68-3311714a69ad"),
}
TYPES = {
    EFI_SYSTEM: "efi-system",
    uuid.UUID("e3c9e316-0b5c-4db8-817d-f92df00215ae"): "microsoft-reserved",
    uuid.UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"): "basic-data",
    uuid.UUID("de94bba4-06d1-4d40-a16a-bfd50179d6ac"): "windows-recovery",
    uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4"): "linux-filesystem",
    uuid.UUID("e6d6d379-f507-44c2-a23c-238f2a3df928"): "linux-lvm",
}
MOST_ENTRIES = 1024


@dataclass(frozen=True)
class Partition:
    """Offsets and sizes in bytes on the virtual disk."""

    type_id: uuid.UUID
    name: str
    offset: int
    size: int

    @property
    def type(self) -> str:
        return TYPES.get(self.type_id, str(self.type_id))


def partitions(disk: Vhdx) -> list[Partition]:
    """In the order of their place. Raises DiskRefused where there is no GPT, or a dynamic disk."""
    sector = disk.geometry.logical_sector
    if disk.size < 3 * sector:
        raise DiskRefused("no-partition-table")
    header = disk.read(sector, sector)
    if not header.startswith(b"EFI PART"):
        raise DiskRefused("mbr-disk" if _has_mbr(disk) else "no-partition-table")
    found = _entries(disk, header, sector)
    if any(partition.type_id in LDM for partition in found):
        raise DiskRefused("dynamic-disk")
    return sorted(found, key=lambda partition: partition.offset)


def _has_mbr(disk: Vhdx) -> bool:
    first = disk.read(0, 512)
    return first[510:512] == b"\x55\xaa" and any(first[446 + 16 * n + 4] for n in range(4))


def _entries(disk: Vhdx, header: bytes, sector: int) -> list[Partition]:
    length = u32(header, 12)
    if not 92 <= length <= sector:
        raise DiskRefused("no-partition-table")
    plain = header[:16] + bytes(4) + header[20:length]
    count, size = u32(header, 80), u32(header, 84)
    if zlib.crc32(plain) != u32(header, 16) or not 128 <= size <= 4096 or count > MOST_ENTRIES:
        raise DiskRefused("no-partition-table")
    table = disk.read(u64(header, 72) * sector, count * size)
    if zlib.crc32(table) != u32(header, 88):
        raise DiskRefused("no-partition-table")
    rows = (table[at : at + size] for at in range(0, count * size, size))
    return [_partition(row, sector, disk.size) for row in rows if row[:16] != bytes(16)]


def _partition(row: bytes, sector: int, disk_size: int) -> Partition:
    first, last = u64(row, 32), u64(row, 40)
    if last < first or (last + 1) * sector > disk_size:
        raise DiskRefused("no-partition-table")
    name = row[56:128].decode("utf-16-le", "replace").split("\0")[0]
    shown = "".join(letter for letter in name if letter.isprintable())
    return Partition(
        uuid.UUID(bytes_le=row[:16]), shown, first * sector, (last - first + 1) * sector
    )

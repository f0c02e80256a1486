"""The container: headers, regions, metadata and block allocation of a VHDX ([MS-VHDX] 2).

Read-only, for fixed and dynamic disks. A disk whose log isn't empty is refused rather than
replayed: it was copied while something wrote to it.
"""

import uuid
from dataclasses import dataclass

from apps.library.formats.crc32c import guarded
from apps.library.formats.refusals import DiskRefused
from apps.library.formats.source import Source, u16, u32, u64

MIB = 2**20
HEADERS = (0x10000, 0x20000)
REGION_TABLES = (0x30000, 0x40000)
REGION_TABLE_BYTES = 64 * 1024
MOST_ENTRIES = 2047
LARGEST_DISK = 64 * 2**40

BAT = uuid.UUID("2dc27766-f623-4200-9d64-115e9bfd4a08")
METADATA = uuid.UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
FILE_PARAMETERS = uuid.UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
VIRTUAL_SIZE = uuid.UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
VIRTUAL_ID = uuid.UUID("beca12ab-b2e6-4523-93ef-c309e000c746")
LOGICAL_SECTOR = uuid.UUID("8141bf1d-a96f-4709-ba47-f233a8faab5f")
PHYSICAL_SECTOR = uuid.UUID("cda348c7-445d-4471-9cc9-e9885251c556")
PARENT_LOCATOR = uuid.UUID("a8d35f2d-b30b-454d-abf7-d3d84834ab0c")
KNOWN_ITEMS = {
    FILE_PARAMETERS, VIRTUAL_SIZE, VIRTUAL_ID, LOGICAL_SECTOR, PHYSICAL_SECTOR, PARENT_LOCATOR,
}  # fmt: skip
#: What the items that are read have to have at least.
LENGTHS = {FILE_PARAMETERS: 8, VIRTUAL_SIZE: 8, LOGICAL_SECTOR: 4}

NOT_PRESENT, UNDEFINED, ZERO, UNMAPPED, PRESENT = 0, 1, 2, 3, 6


@dataclass(frozen=True)
class Region:
    offset: int
    length: int


@dataclass(frozen=True)
class Geometry:
    """Sizes in bytes."""

    block_size: int
    fixed: bool
    virtual_size: int
    logical_sector: int


class Vhdx:
    """An opened container; `read` gives the virtual disk's bytes."""

    def __init__(self, source: Source) -> None:
        self._source = source
        _require_clean_header(source)
        regions = _regions(source)
        self.geometry = _geometry(source, regions[METADATA])
        self._bat = _bat_region(self.geometry, regions[BAT])

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the virtual disk; blocks without content read as zeros."""
        if offset < 0 or length < 0 or offset + length > self.geometry.virtual_size:
            raise DiskRefused("truncated")
        parts = []
        while length:
            inside = offset % self.geometry.block_size
            piece = min(length, self.geometry.block_size - inside)
            parts.append(self._read_block(offset // self.geometry.block_size, inside, piece))
            offset, length = offset + piece, length - piece
        return b"".join(parts)

    @property
    def size(self) -> int:
        return self.geometry.virtual_size

    def _read_block(self, block: int, inside: int, length: int) -> bytes:
        ratio = 2**23 * self.geometry.logical_sector // self.geometry.block_size
        entry = u64(self._source.read(self._bat.offset + 8 * (block + block // ratio), 8), 0)
        state, at = entry & 7, (entry >> 20) * MIB
        if state in (NOT_PRESENT, UNDEFINED, ZERO, UNMAPPED):
            return bytes(length)
        if state != PRESENT or at < MIB:
            raise DiskRefused("corrupt-bat")
        return self._source.read(at + inside, length)


def _require_clean_header(source: Source) -> None:
    """The current header is the valid one with the higher sequence number ([MS-VHDX] 2.2.2)."""
    valid = [h for h in (_header(source, at) for at in HEADERS) if h is not None]
    if not valid:
        raise DiskRefused("corrupt-header")
    current = max(valid, key=lambda header: u64(header, 8))
    if u16(current, 66) != 1:
        raise DiskRefused("unsupported-version")
    if current[48:64] != bytes(16):
        raise DiskRefused("dirty-log")


def _header(source: Source, at: int) -> bytes | None:
    if at + 4096 > source.size:
        raise DiskRefused("truncated")
    header = source.read(at, 4096)
    return header if header.startswith(b"head") and guarded(header) else None


def _regions(source: Source) -> dict[uuid.UUID, Region]:
    for at in REGION_TABLES:
        if at + REGION_TABLE_BYTES > source.size:
            raise DiskRefused("truncated")
        table = source.read(at, REGION_TABLE_BYTES)
        if table.startswith(b"regi") and guarded(table):
            return _region_entries(table, source)
    raise DiskRefused("corrupt-regions")


def _region_entries(table: bytes, source: Source) -> dict[uuid.UUID, Region]:
    count = u32(table, 8)
    if count > MOST_ENTRIES:
        raise DiskRefused("corrupt-regions")
    found: dict[uuid.UUID, Region] = {}
    for at in range(16, 16 + 32 * count, 32):
        kind = uuid.UUID(bytes_le=table[at : at + 16])
        region = Region(u64(table, at + 16), u32(table, at + 24))
        if kind not in (BAT, METADATA):
            if u32(table, at + 28) & 1:
                raise DiskRefused("unsupported-version")
            continue
        if kind in found or region.offset < MIB or region.offset % MIB or not region.length:
            raise DiskRefused("corrupt-regions")
        if region.offset + region.length > source.size:
            raise DiskRefused("truncated")
        found[kind] = region
    if BAT not in found or METADATA not in found:
        raise DiskRefused("corrupt-regions")
    return found


def _geometry(source: Source, region: Region) -> Geometry:
    items = _metadata(source, region)
    try:
        parameters, size = items[FILE_PARAMETERS], u64(items[VIRTUAL_SIZE], 0)
        sector = u32(items[LOGICAL_SECTOR], 0)
        block, flags = u32(parameters, 0), u32(parameters, 4)
    except KeyError as error:
        raise DiskRefused("corrupt-metadata") from error
    if flags & 2:
        raise DiskRefused("differencing")
    if sector not in (512, 4096) or not MIB <= block <= 256 * MIB or block & (block - 1):
        raise DiskRefused("corrupt-metadata")
    if not 0 < size <= LARGEST_DISK or size % sector:
        raise DiskRefused("corrupt-metadata")
    return Geometry(block, bool(flags & 1), size, sector)


def _metadata(source: Source, region: Region) -> dict[uuid.UUID, bytes]:
    """Small items by their id; the lengths that are needed are checked here."""
    if region.length < REGION_TABLE_BYTES:
        raise DiskRefused("corrupt-metadata")
    table = source.read(region.offset, REGION_TABLE_BYTES)
    count = u16(table, 10)
    if not table.startswith(b"metadata") or count > MOST_ENTRIES:
        raise DiskRefused("corrupt-metadata")
    items: dict[uuid.UUID, bytes] = {}
    for at in range(32, 32 + 32 * count, 32):
        kind = uuid.UUID(bytes_le=table[at : at + 16])
        offset, length, flags = u32(table, at + 16), u32(table, at + 20), u32(table, at + 24)
        if kind not in KNOWN_ITEMS:
            if flags & 4:
                raise DiskRefused("unsupported-version")
            continue
        if offset < REGION_TABLE_BYTES or length > MIB or offset + length > region.length:
            raise DiskRefused("corrupt-metadata")
        if length < LENGTHS.get(kind, 0):
            raise DiskRefused("corrupt-metadata")
        items[kind] = source.read(region.offset + offset, min(length, 64))
    return items


def _bat_region(geometry: Geometry, region: Region) -> Region:
    """The table has to be as long as the disk's size asks ([MS-VHDX] 2.5)."""
    ratio = 2**23 * geometry.logical_sector // geometry.block_size
    blocks = -(-geometry.virtual_size // geometry.block_size)
    if (blocks + (blocks - 1) // ratio) * 8 > region.length:
        raise DiskRefused("corrupt-bat")
    return region

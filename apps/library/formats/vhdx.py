"""VHDX, fixed and dynamic (MS-VHDX 2.0): from the file's bytes to the disk's.

Nothing that the file says is believed: every count has a bound, every offset is held against the
file's size, and whatever doesn't fit raises DiskRefused.
"""

from __future__ import annotations

import struct
import uuid
from array import array
from dataclasses import dataclass
from itertools import compress
from sys import byteorder

from apps.library.formats.crc32c import sealed
from apps.library.formats.errors import DiskRefused
from apps.library.formats.source import Source

KIB, MIB = 1 << 10, 1 << 20
LARGEST_DISK = 64 << 40
MOST_ENTRIES = 2047
#: So much of a block allocation table is looked through (4 TiB of the smallest blocks).
BAT_LOOKED_THROUGH = 32 * MIB

BAT = uuid.UUID("2DC27766-F623-4200-9D64-115E9BFD4A08")
METADATA = uuid.UUID("8B7CA206-4790-4B9A-B8FE-575F050F886E")
FILE_PARAMETERS = uuid.UUID("CAA16737-FA36-4D43-B3B6-33F0AA44E76B")
VIRTUAL_SIZE = uuid.UUID("2FA54224-CD1B-4876-B211-5DBED83BF4B8")
PAGE_83 = uuid.UUID("BECA12AB-B2E6-4523-93EF-C309E000C746")
LOGICAL_SECTOR = uuid.UUID("8141BF1D-A96F-4709-BA47-F233A8FAAB5F")
PHYSICAL_SECTOR = uuid.UUID("CDA348C7-445D-4471-9CC9-E9885251C556")
PARENT_LOCATOR = uuid.UUID("A8D35F2D-B30B-454D-ABF7-D3D84834AB0C")
_ITEMS = {FILE_PARAMETERS, VIRTUAL_SIZE, PAGE_83, LOGICAL_SECTOR, PHYSICAL_SECTOR, PARENT_LOCATOR}

_PRESENT = 6
_NEVER_WRITTEN = {0, 1, 2, 3}
_NOTHING = bytes(MIB)
#: By the lowest byte of a table's entry: its state. By a state: whether the block is present.
_STATES = bytes(low & 7 for low in range(256))
_IS_PRESENT = bytes(state == _PRESENT for state in range(256))


@dataclass(frozen=True)
class Region:
    offset: int
    length: int


@dataclass(frozen=True)
class Parameters:
    """What the metadata say of the disk; sizes in bytes."""

    block_bytes: int
    fixed: bool
    virtual_bytes: int
    sector_bytes: int


class Vhdx:
    """An open disk: `size` is the virtual one, `read` gives the virtual disk's bytes."""

    def __init__(self, source: Source, bat: Region, parameters: Parameters) -> None:
        self._source, self._bat = source, bat
        self.parameters = parameters
        self.size = parameters.virtual_bytes
        self._chunk_ratio = (1 << 23) * parameters.sector_bytes // parameters.block_bytes
        self._blocks = -(-self.size // parameters.block_bytes)
        if (self._last_index() + 1) * 8 > bat.length:
            raise DiskRefused(
                "corrupt-bat", "The block allocation table is too short for the disk."
            )
        #: Bytes of the disk that the file keeps; None where the table is too long to look through.
        self.allocated_bytes = self._look_through()

    @property
    def allocation(self) -> str:
        return "fixed" if self.parameters.fixed else "dynamic"

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes of the disk; fewer only at its end."""
        length = max(0, min(length, self.size - offset)) if offset >= 0 else 0
        block_bytes, found = self.parameters.block_bytes, []
        while length > 0:
            part = min(length, block_bytes - offset % block_bytes)
            place = self.place(offset)
            found.append(bytes(part) if place is None else _exactly(self._source, place, part))
            offset, length = offset + part, length - part
        return b"".join(found)

    def place(self, offset: int) -> int | None:
        """Where in the file the disk's byte at `offset` is; None in a block that it doesn't keep,
        which reads as zeros."""
        block, inside = divmod(offset, self.parameters.block_bytes)
        raw = _exactly(self._source, self._bat.offset + self._index(block) * 8, 8)
        entry = int.from_bytes(raw, "little")
        if entry & 7 != _PRESENT:
            _check_state(entry & 7)
            return None
        if entry >> 20 == 0:
            raise DiskRefused("corrupt-bat", "A block lies where the headers of the VHDX are.")
        return (entry >> 20) * MIB + inside

    def _index(self, block: int) -> int:
        return block + block // self._chunk_ratio

    def _last_index(self) -> int:
        return self._index(self._blocks - 1)

    def _look_through(self) -> int | None:
        """Every state has to be one, and every block that is present has to lie inside the file.

        Nothing here is a step of Python's for each block: a table may have millions of them.
        """
        size = (self._last_index() + 1) * 8
        wanted, present, last_is_present = min(size, BAT_LOOKED_THROUGH), 0, False
        for begin in range(0, wanted, MIB):
            content = _exactly(self._source, self._bat.offset + begin, min(MIB, wanted - begin))
            if content == _NOTHING[: len(content)]:
                continue
            states = content[::8].translate(_STATES)
            for state in set(states):
                _check_state(state)
            entries, is_present = self._blocks_in(content, states, begin // 8)
            if begin + len(content) == size:
                last, last_is_present = entries.pop(), bool(is_present.pop())
                self._check_end(last * last_is_present, self._last_bytes())
            furthest = max(compress(entries, is_present), default=0)
            self._check_end(furthest, self.parameters.block_bytes)
            present += is_present.count(1)
        if size > BAT_LOOKED_THROUGH:
            return None
        return present * self.parameters.block_bytes + last_is_present * self._last_bytes()

    def _blocks_in(self, content: bytes, states: bytes, first: int) -> tuple[array[int], bytearray]:
        """The blocks' entries, of those that begin at index `first`, and which are present. Every
        so often an entry stands for a bitmap instead, which only differencing disks use."""
        entries, is_present = array("Q"), bytearray(states.translate(_IS_PRESENT))
        entries.frombytes(content)
        if byteorder == "big":
            entries.byteswap()
        every = self._chunk_ratio + 1
        bitmaps = slice((self._chunk_ratio - first) % every, None, every)
        del entries[bitmaps], is_present[bitmaps]
        return entries, is_present

    def _last_bytes(self) -> int:
        """How much of the last block the disk uses: it needn't be whole in the file."""
        return self.size - (self._blocks - 1) * self.parameters.block_bytes

    def _check_end(self, entry: int, used: int) -> None:
        if entry and (entry >> 20) * MIB + used > self._source.size:
            raise DiskRefused("truncated")


def _check_state(state: int) -> None:
    if state not in _NEVER_WRITTEN and state != _PRESENT:
        raise DiskRefused("corrupt-bat", f"A block has the state {state}, which a disk can’t have.")


def open_vhdx(source: Source) -> Vhdx:
    """The disk inside a VHDX file; raises DiskRefused saying what is wrong with it."""
    _check_kind(source)
    _check_header(source)
    regions = _regions(source)
    return Vhdx(source, regions[BAT], _parameters(source, regions[METADATA]))


def _check_kind(source: Source) -> None:
    """Tells what isn't a VHDX by what it is instead."""
    if source.size == 0:
        raise DiskRefused("empty-file")
    start = source.read(0, 8)
    if start == b"vhdxfile":
        return
    if start == b"conectix" or source.read(source.size - 512, 8) == b"conectix":
        raise DiskRefused("vhd-format")
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        raise DiskRefused("zip-archive")
    if source.read(0x8001, 5) == b"CD001":
        raise DiskRefused("iso-image")
    other = {b"QFI\xfb": "a QCOW2 disk of QEMU", b"KDMV": "a VMDK disk of VMware"}.get(start[:4])
    raise DiskRefused("not-vhdx", f"The file is {other}, not a VHDX." if other else "")


def _check_header(source: Source) -> None:
    """The log has to be empty by the current header: the valid one with the higher number."""
    headers = [source.read(offset, 4 * KIB) for offset in (64 * KIB, 128 * KIB)]
    if source.size < 320 * KIB:
        raise DiskRefused("truncated")
    valid = [header for header in headers if header[:4] == b"head" and sealed(header)]
    if not valid:
        raise DiskRefused("corrupt-header")
    current = max(valid, key=lambda header: struct.unpack_from("<Q", header, 8))
    log_version, version = struct.unpack_from("<HH", current, 64)
    if version != 1 or log_version != 0:
        raise DiskRefused("unsupported-version", f"The VHDX has version {version}, not 1.")
    if any(current[48:64]):
        raise DiskRefused("dirty-log")


def _regions(source: Source) -> dict[uuid.UUID, Region]:
    """Where the allocation table and the metadata are, from the first table that is whole."""
    for offset in (192 * KIB, 256 * KIB):
        table = source.read(offset, 64 * KIB)
        if len(table) == 64 * KIB and table[:4] == b"regi" and sealed(table):
            return _checked_regions(source, table)
    raise DiskRefused("corrupt-regions")


def _checked_regions(source: Source, table: bytes) -> dict[uuid.UUID, Region]:
    (count,) = struct.unpack_from("<I", table, 8)
    if count > MOST_ENTRIES:
        raise DiskRefused("corrupt-regions")
    found: dict[uuid.UUID, Region] = {}
    for number in range(count):
        raw, offset, length, flags = struct.unpack_from("<16sQII", table, 16 + number * 32)
        kind = uuid.UUID(bytes_le=raw)
        if kind not in (BAT, METADATA):
            if flags & 1:
                raise DiskRefused(
                    "unsupported-version", "The VHDX needs a region that isn’t known."
                )
            continue
        if kind in found or offset < MIB or offset % MIB or length < MIB or length % MIB:
            raise DiskRefused("corrupt-regions")
        if offset + length > source.size:
            raise DiskRefused("truncated")
        found[kind] = Region(offset, length)
    if len(found) != 2 or _overlap(found[BAT], found[METADATA]):
        raise DiskRefused("corrupt-regions")
    return found


def _overlap(one: Region, other: Region) -> bool:
    return one.offset < other.offset + other.length and other.offset < one.offset + one.length


def _parameters(source: Source, region: Region) -> Parameters:
    items = _metadata(source, region)
    try:
        block, flags = struct.unpack("<II", items[FILE_PARAMETERS][:8])
        (size,) = struct.unpack("<Q", items[VIRTUAL_SIZE][:8])
        (sector,) = struct.unpack("<I", items[LOGICAL_SECTOR][:4])
    except (KeyError, struct.error):
        raise DiskRefused("corrupt-metadata") from None
    if flags & 2 or PARENT_LOCATOR in items:
        raise DiskRefused("differencing")
    block_ok = MIB <= block <= 256 * MIB and block & (block - 1) == 0
    size_ok = sector in (512, 4096) and 0 < size <= LARGEST_DISK and size % sector == 0
    if not block_ok or not size_ok:
        raise DiskRefused("corrupt-metadata")
    return Parameters(block, bool(flags & 1), size, sector)


def _metadata(source: Source, region: Region) -> dict[uuid.UUID, bytes]:
    """The known items' content by id. Only their beginnings are needed."""
    table = _exactly(source, region.offset, 64 * KIB)
    (count,) = struct.unpack_from("<H", table, 10)
    if table[:8] != b"metadata" or count > MOST_ENTRIES:
        raise DiskRefused("corrupt-metadata")
    found: dict[uuid.UUID, bytes] = {}
    for number in range(count):
        raw, offset, length, flags = struct.unpack_from("<16sIII", table, 32 + number * 32)
        item = uuid.UUID(bytes_le=raw)
        if flags & 1 or item not in _ITEMS:
            if flags & 4:
                raise DiskRefused(
                    "unsupported-version", "The VHDX needs metadata that aren’t known."
                )
            continue
        if item in found or offset < 64 * KIB or length > MIB or offset + length > region.length:
            raise DiskRefused("corrupt-metadata")
        found[item] = _exactly(source, region.offset + offset, min(length, 64))
    return found


def _exactly(source: Source, offset: int, length: int) -> bytes:
    found = source.read(offset, length)
    if len(found) != length:
        raise DiskRefused("truncated")
    return found

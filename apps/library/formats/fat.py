"""FAT12, FAT16 and FAT32: the names of a volume's files. Enough to look into an EFI partition."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from apps.library.formats.errors import DiskRefused
from apps.library.formats.source import Source

MOST_ENTRIES = 32_768
LONGEST_NAME = 255
DEEPEST = 16
_DIRECTORY, _LABEL, _LONG_NAME = 0x10, 0x08, 0x0F


@dataclass(frozen=True)
class File:
    """A file by its path from the volume's root, with `/` between names."""

    path: str
    size_bytes: int


@dataclass(frozen=True)
class _Layout:
    """Where things are; offsets and sizes in bytes, `bits` is 12, 16 or 32."""

    bits: int
    fat_offset: int
    root_offset: int
    root_bytes: int
    root_cluster: int
    data_offset: int
    cluster_bytes: int
    clusters: int


class NotFat(Exception):
    """The volume isn't one that this can read."""


def files(volume: Source) -> Iterator[File]:
    """Every file of the volume, a directory's own after those before it; raises NotFat.

    Chains and directories that turn back on themselves end. Raises DiskRefused("beyond-bounds")
    where there are more entries than an EFI partition has any use for.
    """
    layout = _layout(volume)
    seen, left = {layout.root_cluster}, _Left()
    # A directory's content is held only while it, or one in it, is walked through.
    walked = [("", _entries(_root(volume, layout), left))]
    while walked:
        path, entries = walked[-1]
        entry = next(entries, None)
        if entry is None:
            walked.pop()
            continue
        name, attributes, cluster, size = entry
        if not attributes & _DIRECTORY:
            yield File(path + name, size)
        elif len(walked) < DEEPEST and cluster not in seen:
            seen.add(cluster)
            walked.append((f"{path}{name}/", _entries(_chain(volume, layout, cluster), left)))


class _Left:
    """How many entries a walk may still look at, deleted ones and parts of long names included."""

    def __init__(self) -> None:
        self._entries = MOST_ENTRIES

    def take_one(self) -> None:
        self._entries -= 1
        if self._entries < 0:
            raise DiskRefused("beyond-bounds", "The EFI partition has more files than any needs.")


def _layout(volume: Source) -> _Layout:
    boot = volume.read(0, 512)
    if len(boot) < 512 or boot[510:512] != b"\x55\xaa":
        raise NotFat
    sector, per_cluster, reserved, copies, root_entries, small_total = struct.unpack_from(
        "<HBHBHH", boot, 11
    )
    fat_sectors, large_total, large_fat = (
        *struct.unpack_from("<H", boot, 22), *struct.unpack_from("<II", boot, 32)
    )  # fmt: skip
    fat_sectors, total = fat_sectors or large_fat, small_total or large_total
    powers = sector in (512, 1024, 2048, 4096) and per_cluster and not per_cluster & per_cluster - 1
    if not powers or not reserved or copies not in (1, 2) or not fat_sectors or not total:
        raise NotFat
    root_sectors = -(-root_entries * 32 // sector)
    data = reserved + copies * fat_sectors + root_sectors
    clusters = (total - data) // per_cluster
    if clusters <= 0 or total * sector > volume.size:
        raise NotFat
    return _Layout(
        bits=12 if clusters < 4085 else 16 if clusters < 65_525 else 32,
        fat_offset=reserved * sector,
        root_offset=(data - root_sectors) * sector,
        root_bytes=root_entries * 32,
        root_cluster=struct.unpack_from("<I", boot, 44)[0],
        data_offset=data * sector,
        cluster_bytes=per_cluster * sector,
        clusters=clusters,
    )


def _root(volume: Source, layout: _Layout) -> bytes:
    if layout.root_bytes:
        return volume.read(layout.root_offset, layout.root_bytes)
    return _chain(volume, layout, layout.root_cluster)


def _chain(volume: Source, layout: _Layout, cluster: int) -> bytes:
    """The content of a directory, until it holds more entries than are looked at."""
    found, seen = bytearray(), set()
    while 2 <= cluster < layout.clusters + 2 and cluster not in seen:
        seen.add(cluster)
        offset = layout.data_offset + (cluster - 2) * layout.cluster_bytes
        content = volume.read(offset, layout.cluster_bytes)
        found += content
        if len(content) < layout.cluster_bytes or len(found) >= MOST_ENTRIES * 32:
            break
        cluster = _next(volume, layout, cluster)
    return bytes(found)


def _next(volume: Source, layout: _Layout, cluster: int) -> int:
    """The cluster after this one; an end mark is larger than any cluster."""
    at = cluster * layout.bits // 8
    raw = int.from_bytes(volume.read(layout.fat_offset + at, 4).ljust(4, b"\xff"), "little")
    if layout.bits == 12:
        raw >>= 4 if cluster & 1 else 0
    return raw & {12: 0xFFF, 16: 0xFFFF, 32: 0x0FFFFFFF}[layout.bits]


def _entries(content: bytes, left: _Left) -> Iterator[tuple[str, int, int, int]]:
    """(name, attributes, first cluster, size) of each entry but `.`, `..` and labels."""
    long_name: dict[int, str] = {}
    for at in range(0, len(content) - 31, 32):
        entry = content[at : at + 32]
        if entry[0] == 0:
            return
        left.take_one()
        attributes = entry[11]
        if entry[0] == 0xE5:
            long_name = {}
        elif attributes & 0x3F == _LONG_NAME:
            raw = entry[1:11] + entry[14:26] + entry[28:32]
            long_name[entry[0] & 0x3F] = raw.decode("utf-16-le", "replace")
        else:
            if not attributes & _LABEL and entry[0] != 0x2E:
                high, low, size = struct.unpack("<H4xHI", entry[20:32])
                yield _name(entry, long_name), attributes, high << 16 | low, size
            long_name = {}


def _name(entry: bytes, long_name: dict[int, str]) -> str:
    whole = "".join(long_name[number] for number in sorted(long_name)).partition("\0")[0]
    if whole and len(whole) <= LONGEST_NAME:
        name = whole
    else:
        stem, ending = (part.decode("cp437").rstrip() for part in (entry[:8], entry[8:11]))
        # Windows NT keeps in byte 12 that a short name is written in small letters.
        stem = stem.lower() if entry[12] & 0x08 else stem
        ending = ending.lower() if entry[12] & 0x10 else ending
        name = f"{stem}.{ending}" if ending else stem
    return "".join(letter if letter.isprintable() and letter != "/" else "_" for letter in name)

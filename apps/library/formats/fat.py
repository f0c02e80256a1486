"""Names of the files in a FAT volume (Microsoft's FAT specification, 1.03); contents aren't read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from apps.library.formats.refusals import DiskRefused
from apps.library.formats.source import u16, u32

#: A system partition holds a few hundred files; what goes past that is not walked.
MOST_FILES = 5000
MOST_CLUSTERS = 4096
DEEPEST = 8
DIRECTORY, VOLUME, LONG_NAME = 0x10, 0x08, 0x0F


class Reader(Protocol):
    def read(self, offset: int, length: int) -> bytes: ...


@dataclass(frozen=True)
class _Layout:
    start: int
    cluster_bytes: int
    fat: int
    data: int
    clusters: int
    bits: int
    root_cluster: int
    root_at: int
    root_bytes: int


def file_names(disk: Reader, start: int, size: int) -> list[str]:
    """Paths with `/` between; an empty list where the partition holds no FAT that makes sense."""
    layout = _layout(disk.read(start, 512), start, size) if size >= 512 else None
    if layout is None:
        return []
    found: list[str] = []
    try:
        _walk(disk, layout, _root(disk, layout), "", 0, found, set())
    except DiskRefused:
        return found  # damaged inside: what was found before counts
    return found


def _layout(boot: bytes, start: int, size: int) -> _Layout | None:
    sector, per_cluster = u16(boot, 11), boot[13]
    reserved, fats, root_entries = u16(boot, 14), boot[16], u16(boot, 17)
    fat_sectors = u16(boot, 22) or u32(boot, 36)
    total = u16(boot, 19) or u32(boot, 32)
    sane = (
        boot[510:512] == b"\x55\xaa"
        and sector in (512, 1024, 2048, 4096)
        and per_cluster in (1, 2, 4, 8, 16, 32, 64, 128)
        and 1 <= fats <= 2
        and reserved
        and fat_sectors
        and total * sector <= size
    )
    if not sane:
        return None
    root_bytes = root_entries * 32
    root_sectors = -(-root_bytes // sector)
    data_sector = reserved + fats * fat_sectors + root_sectors
    clusters = (total - data_sector) // per_cluster
    if clusters < 1:
        return None
    bits = 12 if clusters < 4085 else 16 if clusters < 65525 else 32
    if not u16(boot, 22):
        bits = 32  # a small FAT32 made by hand counts as what it says it is
    return _Layout(
        start=start,
        cluster_bytes=sector * per_cluster,
        fat=start + reserved * sector,
        data=start + data_sector * sector,
        clusters=clusters,
        bits=bits,
        root_cluster=u32(boot, 44) if bits == 32 else 0,
        root_at=start + (reserved + fats * fat_sectors) * sector,
        root_bytes=root_bytes,
    )


def _root(disk: Reader, layout: _Layout) -> bytes:
    if layout.bits == 32:
        return _chain(disk, layout, layout.root_cluster)
    return disk.read(layout.root_at, layout.root_bytes)


def _chain(disk: Reader, layout: _Layout, cluster: int) -> bytes:
    parts, seen = [], set()
    while 2 <= cluster < layout.clusters + 2 and cluster not in seen and len(seen) < MOST_CLUSTERS:
        seen.add(cluster)
        at = layout.data + (cluster - 2) * layout.cluster_bytes
        parts.append(disk.read(at, layout.cluster_bytes))
        cluster = _next(disk, layout, cluster)
    return b"".join(parts)


def _next(disk: Reader, layout: _Layout, cluster: int) -> int:
    if layout.bits == 32:
        return u32(disk.read(layout.fat + 4 * cluster, 4), 0) & 0x0FFFFFFF
    if layout.bits == 16:
        return u16(disk.read(layout.fat + 2 * cluster, 2), 0)
    pair = u16(disk.read(layout.fat + cluster * 3 // 2, 2), 0)
    return pair >> 4 if cluster & 1 else pair & 0xFFF


def _walk(
    disk: Reader, layout: _Layout, directory: bytes, path: str, depth: int,
    found: list[str], seen: set[int],
) -> None:  # fmt: skip
    for name, attributes, cluster in _entries(directory):
        if len(found) >= MOST_FILES:
            return
        if not attributes & DIRECTORY:
            found.append(path + name)
        elif name not in (".", "..") and depth < DEEPEST and cluster not in seen:
            seen.add(cluster)
            inside = _chain(disk, layout, cluster)
            _walk(disk, layout, inside, f"{path}{name}/", depth + 1, found, seen)


def _entries(directory: bytes) -> Iterator[tuple[str, int, int]]:
    """(name, attributes, first cluster); the long name where there is one."""
    long: dict[int, str] = {}
    for at in range(0, len(directory) - 31, 32):
        entry = directory[at : at + 32]
        if entry[0] == 0:
            return
        if entry[0] == 0xE5:
            long = {}
        elif entry[11] == LONG_NAME:
            text = entry[1:11] + entry[14:26] + entry[28:32]
            long[entry[0] & 0x3F] = text.decode("utf-16-le", "replace").split("\0")[0]
        elif not entry[11] & VOLUME:
            name = "".join(long[part] for part in sorted(long)).rstrip("\uffff") or _short(entry)
            long = {}
            yield name, entry[11], u16(entry, 20) << 16 | u16(entry, 26)


def _short(entry: bytes) -> str:
    base = entry[:8].decode("ascii", "replace").rstrip()
    ending = entry[8:11].decode("ascii", "replace").rstrip()
    return (f"{base}.{ending}" if ending else base).lower()

"""FAT32: writes a small volume, finds and reads files in one."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from apps.lab.files.gpt import Readable

SECTOR = 512
_RESERVED = 32
_END = 0x0FFFFFFF
_DIRECTORY, _ARCHIVE, _LABEL, _LONG = 0x10, 0x20, 0x08, 0x0F
_STAMP = struct.pack("<HH", 0x6000, 0x58E1)  # noon of 1 July 2024: files of one seed are equal


# ---- writing
@dataclass
class _Folder:
    folders: dict[str, _Folder] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    cluster: int = 0
    parent: int = 0


class _Volume:
    """Clusters of one sector each, given out one after the other."""

    def __init__(self, size: int, label: str) -> None:
        self.size, self.label = size, label
        sectors = size // SECTOR
        self.fat_sectors = -(-(sectors - _RESERVED) * 4 // (SECTOR + 8))
        self.clusters = sectors - _RESERVED - 2 * self.fat_sectors
        self.fat = [0x0FFFFFF8, _END]
        self.data: list[bytes] = []

    def add(self, content: bytes) -> int:
        """Stores content; the number of its first cluster, 0 for nothing."""
        if not content:
            return 0
        first, count = len(self.fat), -(-len(content) // SECTOR)
        self.fat += [*range(first + 1, first + count), _END]
        self.data += [
            content[at : at + SECTOR].ljust(SECTOR, b"\0") for at in range(0, len(content), SECTOR)
        ]
        return first

    def reserve(self, count: int) -> int:
        return self.add(bytes(SECTOR * count))

    def set(self, cluster: int, content: bytes) -> None:
        for at in range(0, len(content), SECTOR):
            self.data[cluster - 2 + at // SECTOR] = content[at : at + SECTOR].ljust(SECTOR, b"\0")

    def extents(self) -> dict[int, bytes]:
        table = struct.pack(f"<{len(self.fat)}I", *self.fat)
        data_at = (_RESERVED + 2 * self.fat_sectors) * SECTOR
        boot, information = self._boot(), self._information()
        return {
            0: boot + information,
            6 * SECTOR: boot + information,
            _RESERVED * SECTOR: table,
            (_RESERVED + self.fat_sectors) * SECTOR: table,
            data_at: b"".join(self.data),
        }

    def _boot(self) -> bytes:
        raw = bytearray(SECTOR)
        struct.pack_into(
            "<3s8sHBHBHHBHHHII", raw, 0, b"\xeb\x58\x90", b"MSDOS5.0", SECTOR, 1, _RESERVED, 2,
            0, 0, 0xF8, 0, 63, 255, 2048, self.size // SECTOR,
        )  # fmt: skip
        struct.pack_into("<IHHIHH", raw, 36, self.fat_sectors, 0, 0, 2, 1, 6)
        name = self.label.ljust(11).encode("ascii")
        struct.pack_into("<BBBI11s8s", raw, 64, 0x80, 0, 0x29, 0x4C414221, name, b"FAT32   ")
        raw[510:] = b"\x55\xaa"
        return bytes(raw)

    def _information(self) -> bytes:
        raw = bytearray(SECTOR)
        free = self.clusters - (len(self.fat) - 2)
        raw[0:4] = b"RRaA"
        struct.pack_into("<4sII", raw, 484, b"rrAa", free, len(self.fat))
        raw[510:] = b"\x55\xaa"
        return bytes(raw)


def volume(size: int, files: Mapping[str, bytes], label: str = "SYSTEM") -> dict[int, bytes]:
    """Content by offset of a volume with files at paths such as EFI/Microsoft/bootos.wim."""
    root = _tree(files)
    made = _Volume(size, label)
    _place(made, root, 0)
    if len(made.fat) > made.clusters:
        raise ValueError("the files do not fit into the volume")
    return made.extents()


def _tree(files: Mapping[str, bytes]) -> _Folder:
    root = _Folder()
    for path, content in files.items():
        *folders, name = path.split("/")
        at = root
        for folder in folders:
            at = at.folders.setdefault(folder, _Folder())
        at.files[name] = content
    return root


def _place(made: _Volume, folder: _Folder, parent: int) -> None:
    """The folder's own clusters first (the root must be cluster 2), then what is in it."""
    names = [*folder.folders, *folder.files]
    entries = 3 + sum(1 + -(-len(name) // 13) for name in names)
    folder.cluster = made.reserve(-(-entries * 32 // SECTOR))
    folder.parent = parent
    for inner in folder.folders.values():
        _place(made, inner, 0 if folder.cluster == 2 else folder.cluster)
    made.set(folder.cluster, _listing(made, folder))


def _listing(made: _Volume, folder: _Folder) -> bytes:
    if folder.cluster == 2:
        raw = _entry(made.label.ljust(11).encode("ascii"), _LABEL, 0, 0)
    else:
        raw = _entry(b".".ljust(11), _DIRECTORY, folder.cluster, 0)
        raw += _entry(b"..".ljust(11), _DIRECTORY, folder.parent, 0)
    taken: set[bytes] = set()
    for name, inner in folder.folders.items():
        raw += _named(name, taken, _DIRECTORY, inner.cluster, 0)
    for name, content in folder.files.items():
        raw += _named(name, taken, _ARCHIVE, made.add(content), len(content))
    return raw


def _entry(short: bytes, attributes: int, cluster: int, size: int) -> bytes:
    return struct.pack(
        "<11sBBB4s2sH4sHI", short, attributes, 0, 0, _STAMP, _STAMP[2:], cluster >> 16, _STAMP,
        cluster & 0xFFFF, size,
    )  # fmt: skip


def _named(name: str, taken: set[bytes], attributes: int, cluster: int, size: int) -> bytes:
    """An entry with its long name in front."""
    short = _short(name, taken)
    taken.add(short)
    total = 0
    for byte in short:
        total = ((total >> 1) + ((total & 1) << 7) + byte) & 0xFF
    parts = [name[at : at + 13] for at in range(0, len(name), 13)]
    raw = b""
    for number in range(len(parts), 0, -1):
        raw += _long(parts[number - 1], number | (0x40 if number == len(parts) else 0), total)
    return raw + _entry(short, attributes, cluster, size)


def _short(name: str, taken: set[bytes]) -> bytes:
    stem, _, extension = name.upper().partition(".")
    fits = len(stem) <= 8 and len(extension) <= 3
    for number in range(1, 10):
        base = stem if fits else f"{stem[:6]}~{number}"
        short = base.ljust(8).encode("ascii") + extension[:3].ljust(3).encode("ascii")
        if short not in taken:
            return short
        fits = False
    raise ValueError(f"no short name is left for {name}")


def _long(part: str, number: int, checksum: int) -> bytes:
    units = part.encode("utf-16-le")
    if len(part) < 13:
        units = (units + b"\0\0").ljust(26, b"\xff")
    return struct.pack(
        "<B10sBBB12sH4s", number, units[:10], _LONG, 0, checksum, units[10:22], 0, units[22:]
    )


# ---- reading
class Fat32:
    """Files of a FAT32 volume; ValueError for any other volume."""

    def __init__(self, volume: Readable) -> None:
        self._volume = volume
        boot = volume.read(0, SECTOR)
        if len(boot) < SECTOR or boot[510:] != b"\x55\xaa" or boot[82:87] != b"FAT32":
            raise ValueError("the volume is not of file system FAT32")
        sector, per_cluster, reserved, fats = struct.unpack_from("<HBHB", boot, 11)
        (fat_sectors,) = struct.unpack_from("<I", boot, 36)
        (self._root,) = struct.unpack_from("<I", boot, 44)
        self._cluster = sector * per_cluster
        self._fat_at = reserved * sector
        self._data_at = (reserved + fats * fat_sectors) * sector
        self._most = volume.size // max(1, self._cluster)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Path from the root, and content, of every file that is asked for."""
        for path, cluster, size in self._walk(self._root, "", 0):
            yield path, self._content(cluster)[:size]

    def _walk(self, cluster: int, prefix: str, depth: int) -> Iterator[tuple[str, int, int]]:
        long = ""
        raw = self._content(cluster)
        for at in range(0, len(raw), 32):
            entry = raw[at : at + 32]
            if entry[0] == 0:
                return
            if entry[0] == 0xE5 or entry[11] == _LONG:
                long = _piece(entry) + long if entry[0] != 0xE5 else ""
                continue
            name, long = long or _plain_name(entry), ""
            high, low, size = struct.unpack_from("<H4xHI", entry, 20)
            if entry[11] & _LABEL or name in (".", ".."):
                continue
            if entry[11] & _DIRECTORY and depth < 8:
                yield from self._walk(high << 16 | low, f"{prefix}{name}/", depth + 1)
            elif not entry[11] & _DIRECTORY:
                yield prefix + name, high << 16 | low, size

    def _content(self, cluster: int) -> bytes:
        parts: list[bytes] = []
        while 2 <= cluster < 0x0FFFFFF7 and len(parts) <= self._most:
            parts.append(
                self._volume.read(self._data_at + (cluster - 2) * self._cluster, self._cluster)
            )
            raw = self._volume.read(self._fat_at + 4 * cluster, 4)
            cluster = struct.unpack("<I", raw)[0] & 0x0FFFFFFF if len(raw) == 4 else 0
        return b"".join(parts)


def _piece(entry: bytes) -> str:
    units = entry[1:11] + entry[14:26] + entry[28:32]
    return units.decode("utf-16-le", "replace").split("\0")[0].rstrip("\uffff")


def _plain_name(entry: bytes) -> str:
    stem = entry[:8].decode("ascii", "replace").rstrip()
    extension = entry[8:11].decode("ascii", "replace").rstrip()
    return f"{stem}.{extension}" if extension else stem

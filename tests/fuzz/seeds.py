"""Where fuzzing begins: disks of every kind that the reader knows, reduced to what it reads."""

from __future__ import annotations

import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path

from apps.library.formats import Source, inspect
from apps.library.formats.vhdx import open_vhdx
from tests.fuzz.promise import SEAL_ALL
from tests.library import disks, sketch
from tests.library.sources import BytesSource
from tests.library.sparse import Recorder, Sparse, reduced, unpack

_DATA = Path(__file__).resolve().parent.parent / "data"
CORPUS, FOUND = _DATA / "fuzz-corpus.tar.xz", _DATA / "fuzz"
KIB, MIB, GIB, TIB = sketch.KIB, sketch.MIB, sketch.GIB, sketch.TIB


def seeds() -> Iterator[tuple[str, Sparse]]:
    """Names and files. Those of a kind that is refused begin where that is found out."""
    yield "real", _metadata_of(BytesSource(disks.protected()))
    yield "drawn", _metadata_of(sketch.template(256 * MIB, MIB))
    yield "drawn-4k", _metadata_of(sketch.template(64 * GIB, 32 * MIB, 4096))
    yield "drawn-fixed", _metadata_of(sketch.template(GIB, 256 * MIB, 512, True))
    yield "drawn-2-tib", _metadata_of(sketch.template(2 * TIB))
    for bits, clusters in ((12, 2000), (16, 8000)):
        yield f"fat{bits}", _metadata_of(with_old_fat(clusters))
    whole = sketch.template(256 * MIB, MIB)
    yield "dirty", _metadata_of(whole.over([(64 * KIB, sketch.header(9, b"l" * 16))]))
    yield "blank", _metadata_of(sketch.container(GIB, {}))
    yield "mbr", _metadata_of(sketch.container(GIB, {446: b"\x80", 510: b"\x55\xaa"}))
    yield "luks", _metadata_of(_luks())
    yield "vhd", Sparse(MIB, ((MIB - 512, b"conectix"),))
    yield "iso", Sparse(MIB, ((0x8001, b"CD001"),))
    yield "zip", Sparse(MIB, ((0, b"PK\x03\x04"),))
    yield "nothing", Sparse(0)


def past() -> Iterator[tuple[str, Sparse]]:
    """What broke the promise once, by its name, and what earlier fuzzing kept because it reached
    something new, by the digest of its bytes."""
    for path in sorted(FOUND.glob("*.disk")):
        yield path.stem, unpack(path.read_bytes())
    with tarfile.open(CORPUS) as kept:
        for member in kept:
            content = kept.extractfile(member)
            if content is not None:
                yield Path(member.name).name, unpack(content.read())


def _metadata_of(source: Source) -> Sparse:
    """What the reader reads of a disk, and the copies that it would read were those damaged."""
    recorder = Recorder(source)
    inspect(recorder)
    disk = open_vhdx(source) if "dirty" not in _code(source) else None
    ranges = [*recorder.ranges, (192 * KIB, 320 * KIB)]
    for at, length in _copies(disk) if disk else ():
        place = disk.place(at) if disk else None
        if place is not None:
            ranges.append((place, place + length))
    return reduced(source, ranges, SEAL_ALL)


def _code(source: Source) -> str:
    return "".join(problem.code for problem in inspect(source).problems)


def _copies(disk: Source) -> Iterator[tuple[int, int]]:
    sector = 512 if disk.read(512, 8) == b"EFI PART" else 4096
    yield disk.size - sector, sector
    yield disk.size - sector - 16 * KIB, 16 * KIB
    for at in (sketch.VOLUME_AT, disks.VOLUME):
        boot = disk.read(at, 512)
        if boot[3:11] == b"-FVE-FS-":
            for offset in struct.unpack_from("<3Q", boot, 176):
                yield at + offset, 4 * KIB


def _luks() -> Sparse:
    layout = [(sketch.EFI, MIB, 40 * MIB), (sketch.DATA, 64 * MIB, 100 * MIB)]
    extents = sketch.gpt(256 * MIB, 512, layout) | {64 * MIB: b"LUKS\xba\xbe\0\2"}
    for at, content in with_old_fat_extents(2000).items():
        extents[MIB + at] = content
    return sketch.container(256 * MIB, extents, MIB)


def with_old_fat(clusters: int) -> Sparse:
    """A template whose EFI partition is FAT12 or FAT16, by the number of its clusters."""
    whole = sketch.template(256 * MIB, MIB)
    place = open_vhdx(whole).place(sketch.SYSTEM_AT)
    assert place is not None
    return whole.over(
        (place + at, content) for at, content in with_old_fat_extents(clusters).items()
    )


def with_old_fat_extents(clusters: int) -> dict[int, bytes]:
    """A small volume with one directory and a catalog in it; 512 bytes a cluster."""
    twelve = clusters < 4085
    table = -(-clusters * 3 // 1024) + 1 if twelve else clusters // 256 + 1
    boot = bytearray(512)
    struct.pack_into("<HBHBHH", boot, 11, 512, 1, 1, 1, 64, 1 + table + 4 + clusters)
    struct.pack_into("<H", boot, 22, table)
    boot[510:] = b"\x55\xaa"
    root, data = (1 + table) * 512, (1 + table + 4) * 512
    ends = bytes.fromhex("f8ffffffffff") if twelve else struct.pack("<4H", 0xFFF8, *[0xFFFF] * 3)
    return {
        0: bytes(boot), 512: ends,
        root: struct.pack("<11sB8x6xHI", b"EFI        ", 0x10, 2, 0),
        data: struct.pack("<11sBB7x6xHI", b"TEMPLATEVSC", 0x20, 0x18, 3, 700),
    }  # fmt: skip

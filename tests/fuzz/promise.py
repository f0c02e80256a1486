"""What holds for the reader whatever the file: the one thing that fuzzing, hypothesis and the
findings of the past all try."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator

from apps.library.formats import REFUSALS, DiskFacts, DiskRefused, inspect, metered
from apps.library.formats.metered import Metered
from apps.library.formats.vhdx import Vhdx, open_vhdx
from tests.library import sketch
from tests.library.sparse import Sparse

KIB = 1 << 10
#: Which checksums are made right again, so that a change behind one is seen at all.
SEAL_HEADERS, SEAL_REGIONS, SEAL_GPT = 1, 2, 4
SEAL_ALL = SEAL_HEADERS | SEAL_REGIONS | SEAL_GPT
#: No document about a disk needs to be longer, in characters of JSON.
LONGEST_DOCUMENT = 1 << 20


def held(disk: Sparse) -> tuple[DiskFacts, Metered]:
    """Inspects the file and holds the reader to its promise; AssertionError where it breaks it.

    It refuses with a code of its list or finds a whole disk, spends no more than its bounds, says
    something of bounded length that a database takes, and (by `Sparse`) reads inside the file.
    """
    meter = Metered(sealed(disk))
    facts = inspect(meter)
    codes = [problem.code for problem in facts.problems]
    assert len(codes) <= 1 and set(codes) <= set(REFUSALS)
    assert codes or (facts.container and facts.partitions and facts.evidence)
    # The read that goes beyond is counted, and not made.
    assert meter.bytes_read <= metered.MOST_BYTES + (4 << 20)
    assert meter.reads <= metered.MOST_READS + 1
    document = json.dumps(facts.as_dict(), ensure_ascii=False)
    assert len(document) <= LONGEST_DOCUMENT and "\\u0000" not in json.dumps(facts.as_dict())
    document.encode("utf-8")
    return facts, meter


def sealed(disk: Sparse) -> Sparse:
    """The file with the checksums that its flags name made right."""
    if disk.flags & SEAL_HEADERS:
        disk = disk.over(_sealed(disk, b"head", (64 * KIB, 128 * KIB), 4 * KIB))
    if disk.flags & SEAL_REGIONS:
        disk = disk.over(_sealed(disk, b"regi", (192 * KIB, 256 * KIB), 64 * KIB))
    if disk.flags & SEAL_GPT:
        disk = disk.over(_sealed_gpt(disk))
    return disk


def _sealed(
    disk: Sparse, signature: bytes, places: tuple[int, int], size: int
) -> Iterator[tuple[int, bytes]]:
    for place in places:
        raw = Metered(disk).read(place, size)
        if raw[:4] == signature:
            yield place + 4, sketch.sealed(raw, size)[4:8]


def _sealed_gpt(disk: Sparse) -> list[tuple[int, bytes]]:
    try:
        opened = open_vhdx(Metered(disk))
        sector = opened.parameters.sector_bytes
        found: list[tuple[int, bytes]] = []
        for lba in (1, opened.size // sector - 1):
            found += _sealed_table(opened, lba, sector)
    except DiskRefused:
        return []
    return found


def _sealed_table(opened: Vhdx, lba: int, sector: int) -> Iterator[tuple[int, bytes]]:
    raw, place = opened.read(lba * sector, sector), opened.place(lba * sector)
    if raw[:8] != b"EFI PART" or place is None:
        return
    (size,), (first, count, step) = (
        struct.unpack_from("<I", raw, 12), struct.unpack_from("<QII", raw, 72)
    )  # fmt: skip
    head = bytearray(raw[: min(max(size, 92), len(raw))])
    if count * step <= 1 << 20:
        entries = opened.read(first * sector, count * step)
        struct.pack_into("<I", head, 88, zlib.crc32(entries))
    head[16:20] = bytes(4)
    struct.pack_into("<I", head, 16, zlib.crc32(head))
    yield place, bytes(head)

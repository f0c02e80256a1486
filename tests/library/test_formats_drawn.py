"""Disks drawn for one fault each, and for what real ones here don't have."""

import struct
import uuid
from collections.abc import Callable, Mapping

import pytest

from apps.library.formats import inspect, vhdx
from apps.library.formats.gpt import DYNAMIC
from tests.library import sketch
from tests.library.sketch import GIB, KIB, MIB
from tests.library.sparse import Sparse

METADATA_AT, BAT_AT = 2 * MIB, 3 * MIB
STRANGE = uuid.UUID(int=99).bytes_le
Pieces = list[tuple[int, bytes]]


def codes(disk: Sparse) -> list[str]:
    return [problem.code for problem in inspect(disk).problems]


def drawn() -> Sparse:
    return sketch.template(GIB, MIB)


def regions(change: Mapping[int, bytes]) -> Pieces:
    """Both region tables, with other bytes at some offsets in them."""
    raw = bytearray(sketch.regions(MIB))
    for at, value in change.items():
        raw[at : at + len(value)] = value
    return [(at, sketch.sealed(bytes(raw), 64 * KIB)) for at in (192 * KIB, 256 * KIB)]


def entry(kind: bytes, offset: int, length: int, flags: int) -> bytes:
    return struct.pack("<16sQII", kind, offset, length, flags)


def metadata(size: int = GIB, block: int = MIB, sector: int = 512) -> Pieces:
    return [(METADATA_AT, sketch.metadata(size, block, sector))]


BAT, METADATA = vhdx.BAT.bytes_le, vhdx.METADATA.bytes_le
FAULTS: Mapping[str, tuple[str, Callable[[], Pieces]]] = {
    "a table too short for the disk": ("corrupt-bat", lambda: metadata(64 * sketch.TIB)),
    "a block at the place of the headers": ("corrupt-bat", lambda: [(BAT_AT, b"\6" + bytes(7))]),
    "a block with bits that only differencing disks have": (
        "corrupt-bat", lambda: [(BAT_AT, b"\7")]),
    "a block behind the end": (
        "truncated", lambda: [(BAT_AT, struct.pack("<Q", 1 << 50 | 6))]),
    "blocks of 3 MiB": ("corrupt-metadata", lambda: metadata(block=3 * MIB)),
    "blocks of 512 KiB": ("corrupt-metadata", lambda: metadata(block=512 * KIB)),
    "blocks of 512 MiB": ("corrupt-metadata", lambda: metadata(block=512 * MIB)),
    "sectors of 520 bytes": ("corrupt-metadata", lambda: metadata(sector=520)),
    "half a sector more": ("corrupt-metadata", lambda: metadata(GIB + 256)),
    "no size": ("corrupt-metadata", lambda: metadata(0)),
    "metadata of another kind": ("corrupt-metadata", lambda: [(METADATA_AT, b"atadatem")]),
    "an item behind its region": (
        "corrupt-metadata", lambda: [(METADATA_AT + 32 + 16, struct.pack("<I", MIB))]),
    "an item that must be known": (
        "unsupported-version", lambda: [(METADATA_AT + 32, STRANGE)]),
    "a region that must be known": (
        "unsupported-version", lambda: regions({8: b"\3", 80: entry(STRANGE, 9 * MIB, MIB, 1)})),
    "a region twice": ("corrupt-regions", lambda: regions({48: entry(METADATA, 4 * MIB, MIB, 1)})),
    "regions over each other": (
        "corrupt-regions", lambda: regions({48: entry(BAT, 2 * MIB, MIB, 1)})),
    "a region within the headers": (
        "corrupt-regions", lambda: regions({48: entry(BAT, 0, MIB, 1)})),
    "a region behind the end": (
        "truncated", lambda: regions({48: entry(BAT, 1 << 40, MIB, 1)})),
    "more regions than there may be": (
        "corrupt-regions", lambda: regions({8: struct.pack("<I", 2048)})),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_refusal(fault: str) -> None:
    code, pieces = FAULTS[fault]

    assert codes(drawn()) == []
    assert codes(drawn().over(pieces())) == [code]


def test_a_region_that_need_not_be_known_is_passed_over() -> None:
    pieces = regions({8: b"\3", 80: entry(STRANGE, 9 * MIB, MIB, 0)})

    assert codes(drawn().over(pieces)) == []


def test_the_header_with_the_higher_number_counts() -> None:
    old, new = (64 * KIB, sketch.header(1, b"a log of old now")), (128 * KIB, sketch.header(2))

    assert codes(drawn().over([old, new])) == []
    assert codes(drawn().over([(64 * KIB, sketch.header(3, b"a log not played")), new])) == [
        "dirty-log"
    ]


def test_the_table_s_copy_at_the_end_of_the_disk_makes_up_for_the_first() -> None:
    disk = drawn()
    first = vhdx.open_vhdx(disk).place(512)
    assert first is not None

    assert codes(disk.over([(first, b"x" * 92)])) == []


def test_windows_dynamic_disks_are_told_by_either_partition() -> None:
    kinds = ("5808c8aa-7e8f-42e0-85d2-e1e90434cfb3", "af9b60a0-1431-4f62-bc68-3311714a69ad")
    for kind, word in zip(kinds, DYNAMIC, strict=True):
        table = sketch.gpt(GIB, 512, [(sketch.EFI, MIB, MIB), (kind, 4 * MIB, MIB)])
        facts = inspect(sketch.container(GIB, table, MIB))
        assert [one.type for one in facts.partitions] == ["efi-system", word]
        assert [one.code for one in facts.problems] == ["dynamic-disk"]


def test_bitlocker_to_go_is_bitlocker() -> None:
    """Its boot sector is that of a FAT volume, with what BitLocker says further behind."""
    disk = drawn()
    place = vhdx.open_vhdx(disk).place(sketch.VOLUME_AT)
    assert place is not None
    boot = disk.read(place, 512)
    other = bytearray(512)
    other[3:11] = b"MSWIN4.1"
    other[424:464] = boot[160:200]

    facts = inspect(disk.over([(place, bytes(other))]))

    assert not facts.refused and facts.bitlocker == inspect(disk).bitlocker


def test_a_time_that_no_calendar_has_is_none() -> None:
    disk = drawn()
    opened = vhdx.open_vhdx(disk)
    offsets = struct.unpack("<3Q", opened.read(sketch.VOLUME_AT + 176, 24))
    places = [opened.place(sketch.VOLUME_AT + offset + 64 + 40) for offset in offsets]

    facts = inspect(disk.over((place, b"\xff" * 8) for place in places if place))

    assert facts.bitlocker is not None and facts.bitlocker.created_at is None
    assert facts.bitlocker.as_dict()["created_at"] is None

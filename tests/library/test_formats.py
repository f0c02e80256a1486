"""What is found in a template disk, and in which words every other file is refused."""

import struct
import uuid
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.library.formats import REFUSALS, DiskFacts, inspect, vhdx
from tests.library import disks
from tests.library.disks import HEADERS, KIB, MIB, SYSTEM, TABLES, VOLUME, Patched, sealed
from tests.library.sources import BytesSource, FileSource

GOOD = {
    "partitions": [
        {"type": "efi-system", "name": "EFI system partition", "offset_bytes": MIB,
         "size_bytes": 40 * MIB, "encryption": None},
        {"type": "microsoft-reserved", "name": "Microsoft reserved partition",
         "offset_bytes": 41 * MIB, "size_bytes": 16 * MIB, "encryption": None},
        {"type": "basic-data", "name": "Basic data partition", "offset_bytes": 57 * MIB,
         "size_bytes": 100 * MIB, "encryption": "bitlocker"},
    ],
    "bitlocker": {
        "method": "xts-aes-128", "protectors": ["password", "recovery-password"],
        "volume_id": "8f595209-f5b9-49a0-85d4-cb8f80258c27", "created_at": "2019-07-04T07:01:55Z",
    },
    "signature": {
        "evidence": ["EFI/Microsoft/template.vsc", "EFI/Microsoft/bootos.wim"], "catalog": None,
    },
    "problems": [],
}  # fmt: skip


def code_of(facts: DiskFacts) -> str:
    return facts.problems[0].code if facts.problems else ""


def container(allocation: str, block: int, allocated: int) -> dict[str, object]:
    return {
        "type": "vhdx", "allocation": allocation, "virtual_size_bytes": 192 * MIB,
        "logical_sector_bytes": 512, "block_size_bytes": block, "allocated_bytes": allocated,
    }  # fmt: skip


def test_a_signed_template_tells_what_it_is() -> None:
    facts = inspect(BytesSource(disks.protected())).as_dict()

    assert facts == {"container": container("dynamic", MIB, 7 * MIB), **GOOD}


def test_a_fixed_disk_with_large_blocks_tells_the_same(tmp_path: Path) -> None:
    path = disks.converted(tmp_path, "vhdx", "subformat=fixed,block_size=32M")

    with FileSource(path) as source:
        facts = inspect(source).as_dict()

    assert facts == {"container": container("fixed", 32 * MIB, 160 * MIB), **GOOD}


def _old_vhd(folder: Path) -> bytes:
    return disks.converted(folder, "vpc").read_bytes()


def _blank(folder: Path) -> bytes:
    return disks.empty(folder).read_bytes()


FILES: Mapping[str, Callable[[Path], bytes]] = {
    "empty-file": lambda _: b"",
    "not-vhdx": lambda _: b"this is no disk\n" * 4096,
    "zip-archive": lambda _: b"PK\x03\x04" + bytes(5000),
    "iso-image": lambda _: bytes(0x8001) + b"CD001" + bytes(5000),
    "vhd-format": _old_vhd,
    "no-partition-table": _blank,
    "truncated": lambda _: disks.protected()[: 14 * MIB],
}


@pytest.mark.parametrize("code", FILES)
def test_a_file_that_is_something_else_is_refused_as_what_it_is(code: str, tmp_path: Path) -> None:
    assert code_of(inspect(BytesSource(FILES[code](tmp_path)))) == code


def _metadata_at(item: uuid.UUID) -> tuple[int, int]:
    """Offsets in the file of an item's table entry and of its content."""
    whole = disks.protected()
    entry = whole.index(item.bytes_le, MIB)
    region = whole.rindex(b"metadata", 0, entry)
    return entry, region + struct.unpack_from("<I", whole, entry + 16)[0]


def _both_headers(change: Mapping[int, bytes]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for at in HEADERS:
        found |= sealed(at, 4096, {at + offset: value for offset, value in change.items()})
    return found


def _gpt_type(number: int, kind: str) -> dict[int, bytes]:
    """A partition of another type, in both tables with their checksums."""
    found: dict[int, bytes] = {}
    last = 192 * MIB // 512 - 1
    for header, entries in ((1, 2), (last, last - 32)):
        raw = bytearray(disks.protected()[disks.place(entries * 512) :][: 128 * 128])
        raw[number * 128 : number * 128 + 16] = uuid.UUID(kind).bytes_le if kind else bytes(16)
        head = bytearray(disks.protected()[disks.place(header * 512) :][:512])
        struct.pack_into("<I", head, 88, zlib.crc32(bytes(raw)))
        struct.pack_into("<I", head, 16, 0)
        struct.pack_into("<I", head, 16, zlib.crc32(bytes(head[:92])))
        found |= {disks.place(header * 512): bytes(head), disks.place(entries * 512): bytes(raw)}
    return found


def _mbr() -> dict[int, bytes]:
    last = 192 * MIB // 512 - 1
    return {disks.place(at * 512): bytes(8) for at in (1, last)}


def _protectors(kind: int) -> dict[int, bytes]:
    """Every key of the volume protected by another kind, in all copies of the metadata."""
    whole, found = disks.protected(), {}
    boot = disks.place(VOLUME)
    for offset in struct.unpack_from("<3Q", whole, boot + 176):
        at = disks.place(VOLUME + offset)
        entry, end = at + 112, at + 64 + struct.unpack_from("<I", whole, at + 64)[0]
        while entry + 8 <= end:
            size, entry_type = struct.unpack_from("<HH", whole, entry)
            if size < 8:
                break
            if entry_type == 2:
                found[entry + 34] = struct.pack("<H", kind)
            entry += size
    return found


def _without_catalog() -> dict[int, bytes]:
    return {disks.protected().index(b"TEMPLATEVSC"): b"\xe5"}


PATCHES: Mapping[str, Callable[[], dict[int, bytes]]] = {
    "corrupt-header": lambda: dict.fromkeys(HEADERS, b"daeh"),
    "unsupported-version": lambda: _both_headers({66: b"\x02\x00"}),
    "dirty-log": lambda: _both_headers({48: bytes(range(1, 17))}),
    "corrupt-regions": lambda: {at + 20: b"\xff" for at in TABLES},
    "corrupt-metadata": lambda: {_metadata_at(vhdx.LOGICAL_SECTOR)[1]: b"\x07"},
    "differencing": lambda: {_metadata_at(vhdx.FILE_PARAMETERS)[1] + 4: b"\x02"},
    "corrupt-bat": lambda: {_bat(): b"\x05"},
    "mbr-disk": _mbr,
    "dynamic-disk": lambda: _gpt_type(2, "af9b60a0-1431-4f62-bc68-3311714a69ad"),
    "single-partition": lambda: _gpt_type(2, ""),
    "no-bitlocker": lambda: {disks.place(VOLUME) + 3: b"NTFS    "},
    "unsigned": _without_catalog,
    "clear-key": lambda: _without_catalog() | _protectors(0),
}


def _bat() -> int:
    return vhdx.open_vhdx(BytesSource(disks.protected()))._bat.offset


@pytest.mark.parametrize("code", PATCHES)
def test_a_disk_that_is_no_template_is_refused_with_its_reason(code: str) -> None:
    assert code_of(inspect(Patched(PATCHES[code]()))) == code


def test_every_code_is_tried_above_and_says_the_fix() -> None:
    tried_elsewhere = {"beyond-bounds"}  # test_formats_bounds
    assert set(FILES) | set(PATCHES) | tried_elsewhere == set(REFUSALS)
    assert all(len(fix) > 15 and " " in fix for _, fix in REFUSALS.values())


def test_a_clear_key_in_a_signed_template_is_told_and_left_to_the_host() -> None:
    facts = inspect(Patched(_protectors(0)))

    assert not facts.refused
    assert facts.bitlocker is not None and facts.bitlocker.in_the_clear


def test_one_damaged_header_table_or_metadata_copy_is_made_up_for_by_the_other() -> None:
    boot = struct.unpack_from("<Q", disks.protected(), disks.place(VOLUME) + 176)[0]
    damaged = {HEADERS[0]: b"x", TABLES[0]: b"x", disks.place(VOLUME + boot): b"x"}

    assert not inspect(Patched(damaged)).refused


TOUCHED = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
STRUCTURES = (
    *((at, 128) for at in HEADERS), *((at, 256) for at in TABLES),
    (_metadata_at(vhdx.FILE_PARAMETERS)[0] - 32, 512), (_bat(), 8 * 200),
    (disks.place(0), 512), (disks.place(512), 128), (disks.place(1024), 512),
    (disks.place(SYSTEM), 128), (disks.place(VOLUME), 256),
    (disks.protected().index(b"TEMPLATEVSC") - 96, 256),
)  # fmt: skip
NUMBERS = st.sampled_from([0, 1, 0x7F, 0xFFFF, 2**31, 2**32 - 1, 2**63, 2**64 - 1])


@st.composite
def fields(draw: st.DrawFn) -> dict[int, bytes]:
    """Some fields of one structure with extreme or any values."""
    start, length = draw(st.sampled_from(STRUCTURES))
    found: dict[int, bytes] = {}
    for _ in range(draw(st.integers(1, 3))):
        at = start + draw(st.integers(0, length - 1))
        width = draw(st.sampled_from([1, 2, 4, 8]))
        value = draw(NUMBERS | st.integers(0, 2**64 - 1)) & (1 << 8 * width) - 1
        found[at] = value.to_bytes(width, "little")
    return found


@TOUCHED
@given(fields(), st.booleans())
def test_no_value_in_any_field_does_more_than_refuse(patch: dict[int, bytes], seal: bool) -> None:
    for at, size in (*((h, 4 * KIB) for h in HEADERS), *((t, 64 * KIB) for t in TABLES)):
        if seal and any(at <= place < at + size for place in patch):
            patch = sealed(at, size, patch)

    facts = inspect(Patched(patch))

    assert code_of(facts) in {"", *REFUSALS}


@TOUCHED
@given(st.integers(0, len(disks.protected()) - 1))
def test_a_disk_cut_anywhere_is_refused(size: int) -> None:
    assert code_of(inspect(Patched({}, size))) in REFUSALS


@TOUCHED
@given(st.binary(max_size=3000), st.sampled_from([b"", b"vhdxfile", b"conectix", b"PK\x03\x04"]))
def test_any_bytes_at_all_are_refused(content: bytes, start: bytes) -> None:
    assert code_of(inspect(BytesSource(start + content))) in REFUSALS

"""Disks that were made to be costly: what they cost is counted, and ends."""

import struct
import tracemalloc
from collections.abc import Callable, Mapping

import pytest

from apps.lab.files import bitlocker
from apps.library.formats import DiskFacts, inspect, metered, vhdx
from apps.library.formats.metered import Metered
from tests.library import sketch
from tests.library.sketch import GIB, KIB, MIB, TIB
from tests.library.sparse import Sparse

MOST_MEMORY = 100 * MIB
CLUSTER = 512 * KIB


def fat(clusters: int, entries: Callable[[int], bytes], kept: int) -> dict[int, bytes]:
    """A FAT32 volume of huge clusters, of which the first `kept` ones are directories, each of one
    cluster, with the entries that are asked for."""
    boot = bytearray(512)
    struct.pack_into("<HBHBHH", boot, 11, 4096, 128, 1, 1, 0, 0)
    struct.pack_into("<II", boot, 32, clusters * 128 + 200, 100)
    struct.pack_into("<I", boot, 44, 2)
    boot[510:] = b"\x55\xaa"
    table = struct.pack(f"<{kept + 2}I", *[0x0FFFFFFF] * (kept + 2))
    data = 101 * 4096
    content = {data + number * CLUSTER: entries(number) for number in range(kept)}
    return {0: bytes(boot), 4096: table, **content}


def disk_with(system: Mapping[int, bytes], size: int = 64 * GIB) -> Sparse:
    layout = [(sketch.EFI, MIB, size // 2), (sketch.DATA, MIB + size // 2, 100 * MIB)]
    extents = sketch.gpt(size, 512, layout)
    extents |= {MIB + at: content for at, content in system.items()}
    extents |= {
        MIB + size // 2 + at: content[: 64 * KIB]
        for at, content in bitlocker.volume(100 * MIB, b"x").items()
    }
    return sketch.container(size, extents, MIB)


def entry(name: bytes, attributes: int, cluster: int, size: int = 0) -> bytes:
    low, high = cluster & 0xFFFF, cluster >> 16
    return struct.pack("<11sB8xH4xHI", name, attributes, high, low, size)


def long_name(letters: str, parts: int) -> bytes:
    units = (letters * 13)[:13].encode("utf-16-le")
    return b"".join(
        struct.pack("<B10sBBB12sH4s", number, units[:10], 0x0F, 0, 0, units[10:22], 0, units[22:])
        for number in range(parts, 0, -1)
    )


def many_empty_directories() -> Sparse:
    """Each costs half a MiB of nothing that the file needn't even hold."""
    root = b"".join(entry(b"%08d   " % number, 0x10, number) for number in range(3, 16_000))
    return disk_with(fat(20_000, lambda _: root[: CLUSTER - 32], 1))


def many_full_directories() -> Sparse:
    root = b"".join(entry(b"%08d   " % number, 0x10, number) for number in range(3, 40))
    deleted = b"\xe5".ljust(32, b"x") * (CLUSTER // 32)
    return disk_with(fat(20_000, lambda number: deleted if number else root, 40))


def many_catalogs_of_long_names() -> Sparse:
    files = long_name("語" * 10 + "vsc", 19) + entry(b"CATALOG VSC", 0x20, 9, 1)
    return disk_with(fat(20_000, lambda _: files * (CLUSTER // len(files)), 1))


def directories_without_end() -> Sparse:
    """Every directory has directories with names as long as may be, deeper and deeper."""

    def inner(number: int) -> bytes:
        name = long_name("語", 20)
        return b"".join(
            name + entry(b"%08d   " % at, 0x10, 3 + (number * 3 + at) % 300) for at in range(60)
        )

    return disk_with(fat(20_000, inner, 302))


def many_volumes() -> Sparse:
    """1,024 partitions that all begin as BitLocker's, none of which has readable metadata."""
    size = 64 * GIB
    boot = bytearray(bitlocker.volume(100 * MIB, b"x")[0][:512])
    layout = [(sketch.EFI, MIB, MIB), *[(sketch.DATA, 4 * MIB, 100 * MIB)] * 1023]
    found = sketch.gpt(size, 512, layout) | {4 * MIB: bytes(boot)}
    return sketch.container(size, found, MIB)


def table_full_of_blocks() -> Sparse:
    """1 TiB in blocks of 1 MiB, all of them kept, all at the same place of the file."""
    disk = sketch.container(TIB, {0: b"x"}, MIB)
    full = struct.pack("<Q", disk.size - MIB | 6) * (32 * KIB)
    places = range(3 * MIB, 11 * MIB, len(full))
    return disk.over((place, full) for place in places)


def cost(disk: Sparse) -> tuple[DiskFacts, Metered, int]:
    """The facts, what was read, and the most memory in bytes that it took at once."""
    meter = Metered(disk)
    tracemalloc.start()
    try:
        facts = inspect(meter)
        return facts, meter, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


WORST: Mapping[Callable[[], Sparse], str] = {
    many_empty_directories: "beyond-bounds",
    many_full_directories: "beyond-bounds",
    many_catalogs_of_long_names: "",
    directories_without_end: "beyond-bounds",
    many_volumes: "no-bitlocker",
    table_full_of_blocks: "no-partition-table",
}


@pytest.mark.parametrize("make", WORST, ids=lambda make: make.__name__)
def test_a_costly_disk_stays_within_bounds(make: Callable[[], Sparse]) -> None:
    facts, meter, memory = cost(make())

    assert [problem.code for problem in facts.problems] == ([WORST[make]] if WORST[make] else [])
    assert meter.bytes_read <= metered.MOST_BYTES + 4 * MIB
    assert meter.reads <= metered.MOST_READS + 1
    assert memory < MOST_MEMORY


def test_what_was_read_is_let_go_of_with_the_refusal() -> None:
    disk = directories_without_end()
    tracemalloc.start()
    try:
        kept = [inspect(disk) for _ in range(3)]
        assert tracemalloc.get_traced_memory()[0] < MIB
    finally:
        tracemalloc.stop()
    assert all(facts.refused for facts in kept)


@pytest.mark.parametrize(
    ("size", "block", "sector", "fixed"),
    [
        (GIB, MIB, 512, False), (64 * GIB, 32 * MIB, 512, False), (64 * GIB, 32 * MIB, 512, True),
        (2 * TIB, MIB, 512, False), (2 * TIB, 32 * MIB, 4096, False), (TIB, 4 * MIB, 512, True),
        (64 * TIB, 256 * MIB, 4096, False), (64 * TIB, MIB, 512, False),
    ],
)  # fmt: skip
def test_an_honest_disk_of_any_size_costs_little(
    size: int, block: int, sector: int, fixed: bool
) -> None:
    facts, meter, memory = cost(sketch.template(size, block, sector, fixed))

    assert not facts.refused and facts.container is not None
    assert facts.container.virtual_size_bytes == size
    table = min(size // block * 8 * 1.01, vhdx.BAT_LOOKED_THROUGH)
    assert meter.bytes_read <= table + MIB and meter.reads < 100
    assert memory < 50 * MIB

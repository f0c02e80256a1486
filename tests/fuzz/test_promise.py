"""The reader's promise, tried with what hypothesis makes of real disks and what fuzzing found."""

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.library.formats import REFUSALS
from tests.fuzz import mutation
from tests.fuzz.promise import SEAL_ALL, held
from tests.fuzz.seeds import past, seeds
from tests.library import sketch
from tests.library.sparse import Sparse, unpack

MANY = settings(max_examples=300, deadline=None)
EDGES = [0, 1, 0x7F, 0xFF, 0xFFFF, 2**31, 2**32 - 1, 2**63, 2**64 - 1]


@cache
def disks() -> dict[str, Sparse]:
    return dict(seeds())


def codes(disk: Sparse) -> list[str]:
    return [problem.code for problem in held(disk)[0].problems]


@pytest.mark.parametrize("width", [2, 4, 8])
def test_every_field_may_be_nothing_or_everything(width: int) -> None:
    """All of what is read of one disk, number by number, with its checksums made right."""
    disk = disks()["drawn"]
    for at, content in disk.pieces:
        for place in range(at - at % width, at + len(content), width):
            for value in (bytes(width), b"\xff" * width):
                held(disk.over([(place, value)]))


@st.composite
def places(draw: st.DrawFn) -> tuple[Sparse, int]:
    """A disk, and the offset of a byte that the reader reads of it: header, region table,
    metadata, allocation table, GPT, BitLocker, file allocation table, directory."""
    disk = disks()[draw(st.sampled_from(("real", "drawn-4k", "drawn-fixed", "fat12", "fat16")))]
    at, content = draw(st.sampled_from(disk.pieces))
    return disk, at + draw(st.integers(0, len(content) - 1))


@st.composite
def numbers(draw: st.DrawFn) -> bytes:
    width = draw(st.sampled_from([1, 2, 4, 8]))
    value = draw(st.sampled_from(EDGES) | st.integers(0, 2**64 - 1))
    return (value & (1 << 8 * width) - 1).to_bytes(width, "little")


@MANY
@given(places(), st.lists(numbers(), min_size=1, max_size=3), st.integers(0, SEAL_ALL))
def test_any_field_may_hold_any_number(
    where: tuple[Sparse, int], values: list[bytes], flags: int
) -> None:
    disk, at = where
    held(Sparse(disk.size, (*disk.pieces, *((at, value) for value in values)), flags))


@MANY
@given(places(), st.integers(0, 7), st.booleans())
def test_any_bit_may_be_flipped(where: tuple[Sparse, int], bit: int, seal: bool) -> None:
    disk, at = where
    flipped = disk.over([(at, bytes([disk.read(at, 1)[0] ^ 1 << bit]))])
    held(Sparse(flipped.size, flipped.pieces, SEAL_ALL if seal else 0))


@MANY
@given(st.sampled_from(sorted(disks())), st.data())
def test_any_length_may_be_cut(name: str, data: st.DataObject) -> None:
    disk = disks()[name]
    size = data.draw(
        st.integers(0, disk.size) | st.sampled_from([0, 1, 511, 512, 2**63, 2**64 - 1])
    )
    held(Sparse(size, disk.pieces, disk.flags))


@MANY
@given(st.sampled_from(sorted(disks())), st.integers(0, 2**32))
def test_any_change_that_fuzzing_makes_may_be_made(name: str, seed: int) -> None:
    def plain(part: bytes, largest: int) -> bytes:
        return random.Random(seed).randbytes(min(largest, len(part) + 3))  # noqa: S311

    held(unpack(mutation.mutated(disks()[name].pack(), 64 << 10, seed, plain)))


@MANY
@given(st.binary(max_size=600))
def test_any_bytes_may_be_a_disk(raw: bytes) -> None:
    held(unpack(raw))


def test_disks_begin_whole_and_what_is_packed_comes_out_again() -> None:
    """A seed that were refused at its first byte would try nothing."""
    whole = {name for name, disk in disks().items() if not codes(disk)}

    assert whole == {
        "real", "drawn", "drawn-4k", "drawn-fixed", "drawn-2-tib", "fat12", "fat16", "luks",
    }  # fmt: skip
    assert all(unpack(disk.pack()) == disk for disk in disks().values())


@pytest.mark.parametrize("part", ["header", "table", "gpt"])
def test_a_change_behind_a_checksum_is_seen_once_it_is_made_right(part: str) -> None:
    disk = disks()["drawn"]
    places = {"header": 64 << 10, "table": 192 << 10}
    at = places.get(part) or next(at for at, piece in disk.pieces if piece[:8] == b"EFI PART")
    # a log's GUID; how many regions there are; how many partitions (and then of what they consist)
    change, code = {
        "header": ((at + 48, b"log"), "dirty-log"),
        "table": ((at + 8, b"\x01"), "corrupt-regions"),
        "gpt": ((at + 80, b"\x01"), "single-partition"),
    }[part]
    both = [change, *([(at + 64 * sketch.KIB + 48, b"log")] if part == "header" else [])]

    assert codes(Sparse(disk.size, (*disk.pieces, *both), 0)) != [code]
    assert codes(Sparse(disk.size, (*disk.pieces, *both), SEAL_ALL)) == [code]


def test_what_fuzzing_kept_is_held_and_reaches_nearly_every_refusal() -> None:
    """Findings that were mended, and inputs that reached something new."""
    reached = {code for _, disk in past() for code in codes(disk) or ["whole"]}

    # A Windows dynamic disk takes a GUID that nobody guesses; the bounds have tests of their own.
    assert reached >= {"whole", *REFUSALS} - {"dynamic-disk", "beyond-bounds"}

"""Changes of a disk that could matter: fields, sizes, places, and pieces of other disks."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.fuzz.promise import SEAL_ALL
from tests.library.sparse import Sparse, unpack

MOST_PIECES = 64
_EDGES = (
    0, 1, 2, 6, 7, 0x7F, 0x80, 0xFF, 0xFFF, 0xFFFF, 1 << 16, 1 << 20, (1 << 31) - 1, 1 << 31,
    (1 << 32) - 1, 1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1,
)  # fmt: skip
Plain = Callable[[bytes, int], bytes]


def mutated(raw: bytes, largest: int, seed: int, plain: Plain) -> bytes:
    """Another disk made from a packed one; `plain` is the fuzzer's own way with bytes."""
    chance = random.Random(seed)  # noqa: S311
    disk = unpack(raw)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        disk = _one_change(disk, chance, plain)
    packed = disk.pack()
    return packed if len(packed) <= largest else raw[:largest]


def crossed(one: bytes, other: bytes, largest: int, seed: int) -> bytes:
    """The first disk with a piece of the other."""
    chance = random.Random(seed)  # noqa: S311
    first, second = unpack(one), unpack(other)
    if not second.pieces:
        return one[:largest]
    packed = _limited(first.over([chance.choice(second.pieces)])).pack()
    return packed if len(packed) <= largest else one[:largest]


def _limited(disk: Sparse) -> Sparse:
    return Sparse(disk.size, disk.pieces[-MOST_PIECES:], disk.flags)


def _one_change(disk: Sparse, chance: random.Random, plain: Plain) -> Sparse:
    kind = chance.random()
    if kind < 0.05 or not disk.pieces:
        return _limited(disk.over([(_number(disk, chance), chance.randbytes(16))]))
    if kind < 0.10:
        return Sparse(_number(disk, chance), disk.pieces, disk.flags)
    if kind < 0.12:
        return Sparse(disk.size, disk.pieces, disk.flags ^ chance.choice((1, 2, 4, SEAL_ALL)))
    number = chance.randrange(len(disk.pieces))
    at, content = disk.pieces[number]
    if kind < 0.16:
        at = _number(disk, chance)
    elif kind < 0.70:
        content = _with_field(content, disk, chance)
    else:
        begin = chance.randrange(len(content) + 1)
        stop = min(len(content), begin + chance.choice((8, 64, 4096)))
        part = plain(content[begin:stop], max(stop - begin + 64, 64))
        content = content[:begin] + part + content[stop:]
    pieces = (*disk.pieces[:number], (at, content), *disk.pieces[number + 1 :])
    return Sparse(disk.size, pieces, disk.flags)


def _with_field(content: bytes, disk: Sparse, chance: random.Random) -> bytes:
    """A number of 1 to 8 bytes is another: the edge of something, a little off, or any."""
    width = chance.choice((1, 2, 4, 4, 8, 8))
    at = chance.randrange(len(content) + 1)
    if chance.random() < 0.8:
        at -= at % width
    old = int.from_bytes(content[at : at + width], "little")
    new = chance.choice(
        (_number(disk, chance), old + chance.randint(-2, 2), old ^ 1 << chance.randrange(64))
    )
    return content[:at] + (new % (1 << 8 * width)).to_bytes(width, "little") + content[at + width :]


def _number(disk: Sparse, chance: random.Random) -> int:
    """Edges of types, of the file and of its pieces, and anything."""
    places = [disk.size, *(at for at, _ in disk.pieces)]
    return chance.choice(
        (
            chance.choice(_EDGES), chance.choice(places), max(0, chance.choice(places) - 1),
            chance.getrandbits(chance.choice((8, 16, 32, 48, 64))),
        )
    )  # fmt: skip

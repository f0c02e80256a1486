"""A file of which only some pieces are there; between them it is zeros. However large it says it
is, it takes the room of its pieces."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from apps.library.formats.source import MOST_AT_ONCE, Source

_MAGIC = b"SPRS"
_HEAD, _PIECE = struct.Struct("<4sBQ"), struct.Struct("<QI")
#: Zeros that are longer than this aren't kept inside a piece.
_GAP = 64


@dataclass(frozen=True)
class Sparse:
    """`pieces` are (offset, content); of two that overlap the later one counts.

    `flags` is for whoever keeps such files (see tests/fuzz).
    """

    size: int
    pieces: tuple[tuple[int, bytes], ...] = ()
    flags: int = 0

    def read(self, offset: int, length: int) -> bytes:
        """Whoever reads outside the file, or much at once, is a reader that trusts its file."""
        assert 0 <= offset < self.size and 0 < length <= min(MOST_AT_ONCE, self.size - offset)
        found, end = bytearray(length), offset + length
        for at, content in self.pieces:
            if at < end and offset < at + len(content):
                begin, stop = max(at, offset), min(at + len(content), end)
                found[begin - offset : stop - offset] = content[begin - at : stop - at]
        return bytes(found)

    def over(self, pieces: Iterable[tuple[int, bytes]]) -> Sparse:
        """The file with other bytes laid over it."""
        return replace(self, pieces=(*self.pieces, *pieces))

    def write(self, path: Path) -> Path:
        with path.open("wb") as file:
            for at, content in self.pieces:
                file.seek(at)
                file.write(content[: max(0, self.size - at)])
            file.truncate(self.size)
        return path

    def pack(self) -> bytes:
        """As bytes, from which `unpack` makes it again."""
        found = [_HEAD.pack(_MAGIC, self.flags & 255, self.size)]
        for at, content in self.pieces:
            found += [_PIECE.pack(at, len(content)), content]
        return b"".join(found)


def unpack(raw: bytes) -> Sparse:
    """Any bytes are some file: what is cut off or too long ends where the bytes do."""
    _, flags, size = _HEAD.unpack(raw[: _HEAD.size].ljust(_HEAD.size, b"\0"))
    pieces, place = [], _HEAD.size
    while place + _PIECE.size <= len(raw):
        at, length = _PIECE.unpack_from(raw, place)
        place += _PIECE.size
        pieces.append((at, raw[place : place + length]))
        place += length
    return Sparse(size, tuple(pieces), flags)


@dataclass
class Recorder:
    """A source that notes what is read of another."""

    source: Source
    ranges: list[tuple[int, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return self.source.size

    def read(self, offset: int, length: int) -> bytes:
        self.ranges.append((offset, offset + length))
        return self.source.read(offset, length)


def reduced(source: Source, ranges: Iterable[tuple[int, int]], flags: int = 0) -> Sparse:
    """A file of the same size that keeps the ranges' bytes, without longer runs of zeros."""
    pieces: list[tuple[int, bytes]] = []
    end = 0
    for first, last in sorted(ranges):
        first, last = max(first, end), min(last, source.size)
        while first < last:
            content = source.read(first, min(last - first, MOST_AT_ONCE))
            pieces += _without_gaps(first, content)
            first += len(content)
        end = max(end, last)
    return Sparse(source.size, tuple(pieces), flags)


def _without_gaps(at: int, content: bytes) -> Iterable[tuple[int, bytes]]:
    gap, place = bytes(_GAP), 0
    while place < len(content):
        stop = content.find(gap, place)
        stop = len(content) if stop < 0 else stop
        if content[place:stop].strip(b"\0"):
            yield at + place, content[place:stop].rstrip(b"\0")
        rest = content[stop:].lstrip(b"\0")
        place = len(content) - len(rest)

"""What a file may cost its reader, whatever it says: counted in work, so that it is the same
everywhere.

An honest template disk of 2 TiB in blocks of 1 MiB costs 17 MiB, nearly all of it the block
allocation table, and some hundred reads, or a few thousand where its EFI partition is full.
"""

from __future__ import annotations

from apps.library.formats.errors import DiskRefused
from apps.library.formats.source import MOST_AT_ONCE, Source

MOST_BYTES = 64 << 20
MOST_READS = 32_768


class Metered:
    """A source that is never asked for what isn't there, or for more than an honest disk needs.

    `bytes_read` and `reads` say what was spent; raises DiskRefused("beyond-bounds") when that is
    too much.
    """

    def __init__(
        self, source: Source, most_bytes: int = MOST_BYTES, most_reads: int = MOST_READS
    ) -> None:
        self._source = source
        self._most_bytes, self._most_reads = most_bytes, most_reads
        self.size = source.size
        self.bytes_read = self.reads = 0

    def read(self, offset: int, length: int) -> bytes:
        if not 0 <= offset < self.size or length <= 0:
            return b""
        length = min(length, self.size - offset, MOST_AT_ONCE)
        self.bytes_read += length
        self.reads += 1
        if self.bytes_read > self._most_bytes or self.reads > self._most_reads:
            raise DiskRefused("beyond-bounds")
        return self._source.read(offset, length)

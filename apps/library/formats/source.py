"""Random access to bytes that somebody else wrote."""

import os
import struct
from pathlib import Path
from typing import Protocol, Self

from apps.library.formats.refusals import DiskRefused

#: Nothing that is read in one piece is larger than this.
LARGEST_READ = 16 * 2**20


class Source(Protocol):
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes. Raises DiskRefused("truncated") where they aren't there."""


class FileSource:
    """A file on disk; only what is asked for is read."""

    def __init__(self, path: str | Path) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 (closed by the context manager)
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, length: int) -> bytes:
        _bounded(offset, length, self.size)
        found = os.pread(self._file.fileno(), length, offset)
        if len(found) != length:
            raise DiskRefused("truncated")
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class BytesSource:
    """Bytes in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    def read(self, offset: int, length: int) -> bytes:
        _bounded(offset, length, self.size)
        return self._content[offset : offset + length]


def _bounded(offset: int, length: int, size: int) -> None:
    if offset < 0 or length < 0 or length > LARGEST_READ or offset + length > size:
        raise DiskRefused("truncated")


def u16(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<H", data, at)[0])


def u32(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])


def u64(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<Q", data, at)[0])

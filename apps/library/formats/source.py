"""Where bytes come from: anything that has a size and gives bytes from anywhere in it."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Protocol

#: No reader here needs more at once; a larger wish comes from a number that can't be true.
MOST_AT_ONCE = 4 << 20


class Source(Protocol):
    """`size` in bytes; `read` gives what there is, so fewer bytes past the end."""

    size: int

    def read(self, offset: int, length: int) -> bytes: ...


class BytesSource:
    """Bytes in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or length <= 0:
            return b""
        return bytes(self._content[offset : offset + min(length, MOST_AT_ONCE)])


class FileSource:
    """A file, read by position; its size is what it was when it was opened."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or length <= 0 or offset >= self.size:
            return b""
        return os.pread(self._file.fileno(), min(length, MOST_AT_ONCE), offset)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> FileSource:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

"""Files and bytes as sources for the reader; the portal's own are in its stores."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from apps.library.formats.source import MOST_AT_ONCE


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

"""Files in a folder, which every web process and worker has to share."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.storage import FileSystemStorage

from apps.common.errors import NoSpace
from apps.library.stores.base import PIECE, Content, Says, Store, Writer

if TYPE_CHECKING:
    from apps.library.models import StoredFile

MOST_AT_ONCE = 4 << 20
#: A file that no row is about is left alone for this long: its row may be on its way.
UNTOUCHED_SECONDS = 86_400


class LocalContent(Content):
    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self._file).st_size

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or length <= 0 or offset >= self.size:
            return b""
        return os.pread(self._file, min(length, MOST_AT_ONCE), offset)

    def pieces(self, first: int, last: int) -> Generator[bytes, None, None]:
        at = first
        while at <= last and (piece := os.pread(self._file, min(PIECE, last + 1 - at), at)):
            at += len(piece)
            yield piece

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class LocalWriter(Writer):
    mark_bytes = 8 << 20

    def __init__(self, path: Path, offset: int, says: Says) -> None:
        self._file = os.open(path, os.O_RDWR)
        if os.fstat(self._file).st_size < offset:
            os.close(self._file)
            raise FileNotFoundError(path)
        super().__init__(offset, says)

    def before(self, count: int) -> bytes:
        return os.pread(self._file, count, self.safe - count)

    def write(self, piece: bytes) -> None:
        view = memoryview(piece)
        try:
            while view:
                written = os.pwrite(self._file, view, self.at)
                view, self.at = view[written:], self.at + written
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise NoSpace(
                "The portal’s disk is full.",
                hint="Ask who runs the portal; the upload goes on later.",
            ) from error

    def _work(self) -> Callable[[], Any]:
        return lambda: os.fdatasync(self._file)

    def _settle(self) -> None:
        os.fdatasync(self._file)

    def drop(self, offset: int) -> None:
        self._wait()
        os.ftruncate(self._file, offset)
        self.at = self.safe = offset

    def forget(self) -> None:
        """Nothing is kept twice here."""

    def close(self) -> None:
        super().close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class LocalStore(Store):
    largest = 64 << 40  # VHDX

    def __init__(self, backend: FileSystemStorage) -> None:
        self._backend = backend

    @property
    def folder(self) -> Path:
        found = Path(self._backend.location)
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
        return found

    def path(self, key: str) -> Path:
        return Path(self._backend.path(key))

    def begin(self, file: StoredFile) -> dict[str, Any]:
        """An empty file that only the portal can read."""
        path = self.path(file.key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        return {}

    def writer(self, file: StoredFile, offset: int, says: Says) -> Writer:
        return LocalWriter(self.path(file.key), offset, says)

    def finish(self, file: StoredFile) -> None:
        """It is a file from its beginning on."""

    def open(self, file: StoredFile) -> Content:
        return LocalContent(self.path(file.key))

    def remove(self, file: StoredFile) -> Callable[[], None]:
        path = self.path(file.key)
        return lambda: path.unlink(missing_ok=True)

    def free_bytes(self) -> int | None:
        return shutil.disk_usage(self.folder).free

    def tidy(self, known: Callable[[str], bool]) -> int:
        old, gone = time.time() - UNTOUCHED_SECONDS, 0
        for path in self.folder.glob("*/*"):
            key = "/".join(path.parts[-2:])
            if path.is_file() and path.stat().st_mtime < old and not known(key):
                path.unlink(missing_ok=True)
                gone += 1
        return gone

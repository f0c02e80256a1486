"""Writing a file to a bucket, a part after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from apps.library.stores.answers import answering
from apps.library.stores.base import PIECE, Says, Writer

if TYPE_CHECKING:
    from apps.library.models import StoredFile


class Bucket(Protocol):
    """As much of a store as is needed to write into it."""

    client: Any

    @property
    def folder(self) -> Path: ...

    def place(self, key: str) -> dict[str, str]: ...


#: What the client is given of a part at once, whether it asks for 16 KiB (to send) or 1 MiB (to
#: sign): few calls, and little in memory.
SENT_AT_ONCE = 256 << 10


class _Body:
    """A gathered part as the client reads it."""

    def __init__(self, part: IO[bytes]) -> None:
        self._part = part
        self.seek, self.tell = part.seek, part.tell

    def read(self, size: int = -1) -> bytes:
        return self._part.read(size if size < 0 else SENT_AT_ONCE)


class PartWriter(Writer):
    """Gathers a part while the ones before are on their way."""

    at_once = 3

    def __init__(self, store: Bucket, file: StoredFile, offset: int, says: Says) -> None:
        incoming = file.incoming or {}
        self.mark_bytes = int(incoming["part_bytes"])
        self._store, self._place, self._size = store, store.place(file.key), file.size_bytes
        self._upload = str(incoming["upload"])
        self._part: IO[bytes] = self._gather()
        self._beginning = ""
        begun = offset % self.mark_bytes
        if begun:
            try:
                self._fetch(offset, begun)
            except BaseException:
                self._part.close()
                raise
        super().__init__(offset, says)

    def _gather(self) -> IO[bytes]:
        """A file for a part; the kernel takes it away with the process."""
        return tempfile.TemporaryFile(dir=self._store.folder)

    def _fetch(self, offset: int, length: int) -> None:
        """The beginning of a part, as the request before left it."""
        key = self._name(offset)
        with answering():
            body = self._store.client.get_object(Bucket=self._place["Bucket"], Key=key)["Body"]
            for piece in body.iter_chunks(PIECE):
                self._part.write(piece)
        if self._part.tell() != length:
            raise FileNotFoundError(key)
        self._beginning = key

    def _name(self, offset: int) -> str:
        return f"{self._place['Key']}.part-{offset}"

    def before(self, count: int) -> bytes:
        end = self._part.tell()
        if not count or count > end:  # at a part's beginning there is a block's beginning
            return b""
        self._part.seek(end - count)
        return self._part.read(count)

    def write(self, piece: bytes) -> None:
        self._part.write(piece)
        self.at += len(piece)

    def _work(self) -> Callable[[], Any]:
        """Sends the part that is full; a new one is gathered from here on."""
        full, self._part = self._part, self._gather()
        number = -(-self.at // self.mark_bytes)
        return lambda: self._send(full, number)

    def _send(self, part: IO[bytes], number: int) -> None:
        with part, answering():
            part.seek(0)
            self._store.client.upload_part(
                **self._place, UploadId=self._upload, PartNumber=number, Body=_Body(part)
            )

    def _settle(self) -> None:
        if self.at % self.mark_bytes == 0 or self.at == self._size:
            self._work()()
            return
        end = self._part.tell()
        self._part.seek(0)
        with answering():
            self._store.client.put_object(
                Bucket=self._place["Bucket"], Key=self._name(self.at), Body=_Body(self._part)
            )
        self._part.seek(end)

    def drop(self, offset: int) -> None:
        """Parts that were sent already are sent anew, under the same numbers."""
        self._wait()
        self.at = self.safe = offset

    def forget(self) -> None:
        if self._beginning:
            with answering():
                self._store.client.delete_object(Bucket=self._place["Bucket"], Key=self._beginning)
            self._beginning = ""

    def close(self) -> None:
        super().close()
        self._part.close()

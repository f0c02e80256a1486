"""One chunk on its way to the disk, written while it arrives."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

from apps.common.errors import Conflict, NoSpace, TooLarge, UploadChecksum, UploadOffset
from apps.library import uploads
from apps.library.errors import UploadLocked
from apps.library.models import Upload
from apps.library.tus import digests
from apps.library.tus.lease import Lease

#: What is written is told to the database this often, so that a killed portal loses little.
TOLD_EVERY = 32 << 20


class Chunk:
    """Takes the bytes of one request at the upload's offset. Blocking; for one thread at a time.

    With a checksum the offset moves once all of it is right, without one as bytes arrive.
    """

    def __init__(self, upload: Upload, path: Path, checksum: bytes | None) -> None:
        self.upload = upload
        self._path = path
        self._checksum = checksum
        self._own = hashlib.sha256() if checksum is not None else None
        self._lease = Lease(upload.pk)
        self._file: int | None = None
        self._start = self._told = self._at = upload.offset
        self._whole: Any | None = None

    def open(self, offset: int) -> None:
        """Takes the writer's place. Raises UploadLocked, UploadOffset, Conflict."""
        if not self._lease.take():
            raise UploadLocked(
                "Somebody else writes to this upload.",
                hint="Wait until that has ended, ask for the offset, and go on from there.",
            )
        try:
            self._read_again(offset)
            self._file = os.open(self._path, os.O_RDWR)
        except (FileNotFoundError, Upload.DoesNotExist):
            self.close()
            raise Conflict("The upload’s file is gone.", hint="Begin a new upload.") from None
        except BaseException:
            self.close()
            raise

    def _read_again(self, offset: int) -> None:
        """The offset as it is now that nobody else can move it."""
        self.upload.refresh_from_db(fields=["offset", "status"])
        if offset != self.upload.offset:
            raise UploadOffset(
                f"The upload stands at {self.upload.offset}, not at {offset}.",
                hint="Ask for the offset with HEAD and go on from there.",
                offset=self.upload.offset,
            )
        self._start = self._told = self._at = offset
        self._whole = digests.take(self.upload.pk, offset)

    def write(self, piece: bytes) -> None:
        """Raises TooLarge past the announced length, UploadLocked when the place was lost."""
        if self._at + len(piece) > self.upload.size:
            raise TooLarge("The chunk goes beyond the upload’s length.")
        if self._file is None or not self._lease.keep():
            raise UploadLocked("Somebody else writes to this upload now.")
        _write_all(self._file, piece, self._at)
        self._at += len(piece)
        for digest in (self._own, self._whole):
            if digest is not None:
                digest.update(piece)
        if self._checksum is None and self._at - self._told >= TOLD_EVERY:
            self._tell()

    def finish(self, *, whole: bool) -> None:
        """The chunk's end: all of it came (`whole`), or the connection was cut.

        Raises UploadChecksum; then, and for a part of a chunk with a checksum, the offset stays.
        """
        if self._checksum is not None and not whole:
            self._drop()
            return
        if self._own is not None and self._own.digest() != self._checksum:
            self._drop()
            raise UploadChecksum(
                "The chunk’s SHA-256 isn’t the announced one.", hint="Send the chunk again."
            )
        self._tell()
        if self._at < self.upload.size:
            digests.keep(self.upload.pk, self._at, self._whole)
            return
        digests.keep(self.upload.pk, self._at, None)
        uploads.arrived(self.upload, self._whole.hexdigest() if self._whole else "")

    def _tell(self) -> None:
        """Moves the offset to what is safely on the disk."""
        if self._at == self._told or self._file is None:
            return
        os.fdatasync(self._file)
        if not uploads.advance(self.upload, old=self._told, new=self._at):
            raise Conflict("The upload was ended meanwhile.")
        self._told = self._at

    def _drop(self) -> None:
        if self._file is not None:
            os.ftruncate(self._file, self._start)

    def close(self) -> None:
        """Gives the place back; always, and once more does no harm."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._lease.end()


def _write_all(file: int, piece: bytes, at: int) -> None:
    view = memoryview(piece)
    try:
        while view:
            written = os.pwrite(file, view, at)
            view, at = view[written:], at + written
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NoSpace(
            "The portal’s disk is full.", hint="Ask who runs the portal; the upload goes on later."
        ) from error

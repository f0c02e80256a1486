"""One chunk on its way to the store, written while it arrives."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator

from apps.common.errors import Conflict, TooLarge, UploadChecksum, UploadOffset
from apps.library import storage, stores, uploads
from apps.library.errors import UploadLocked
from apps.library.models import StoredFile, Upload
from apps.library.sha256 import BLOCK, Sha256
from apps.library.tus.lease import Lease

_GONE = "The upload’s file is gone.", "Begin a new upload."


class Chunk:
    """Takes the bytes of one request at the upload's offset. Blocking; for one thread at a time.

    With a checksum the offset moves once all of it is right, without one as bytes are safe.
    """

    def __init__(self, upload: Upload, file: StoredFile, checksum: bytes | None) -> None:
        self.upload, self._file = upload, file
        self._checksum = checksum
        self._own = hashlib.sha256() if checksum is not None else None
        self._lease = Lease(upload.pk)
        self._writer: stores.Writer | None = None
        self._told = upload.offset
        self._hash: Sha256 | None = None
        #: Offsets that aren't safe yet, each with the hash's state there.
        self._marks: deque[tuple[int, str]] = deque()

    def open(self, offset: int) -> None:
        """Takes the writer's place. Raises UploadLocked, UploadOffset, Conflict."""
        if not self._lease.take():
            raise UploadLocked(
                "Somebody else writes to this upload.",
                hint="Wait until that has ended, ask for the offset, and go on from there.",
            )
        try:
            self._read_again(offset)
        except (FileNotFoundError, Upload.DoesNotExist):
            self.close()
            raise Conflict(_GONE[0], hint=_GONE[1]) from None
        except BaseException:
            self.close()
            raise

    def _read_again(self, offset: int) -> None:
        """The offset as it is now that nobody else can move it, and the hash up to there."""
        self.upload.refresh_from_db(fields=["offset", "status", "hash_state"])
        if offset != self.upload.offset:
            raise UploadOffset(
                f"The upload stands at {self.upload.offset}, not at {offset}.",
                hint="Ask for the offset with HEAD and go on from there.",
                offset=self.upload.offset,
            )
        self._told = offset
        self._writer = stores.current().writer(self._file, offset, self._require_place)
        if offset == 0:
            self._hash = Sha256()
        elif self.upload.hash_state:
            rest = self._writer.before(offset % BLOCK)
            self._hash = Sha256.resumed(self.upload.hash_state, offset, rest)

    def _require_place(self) -> None:
        """Raises UploadLocked where the writer's place was lost."""
        if not self._lease.keep():
            raise UploadLocked("Somebody else writes to this upload now.")

    def write(self, piece: bytes) -> None:
        """Raises TooLarge past the announced length, UploadLocked when the place was lost, NoSpace
        and QuotaExceeded where the room was.
        """
        writer = self._open_writer()
        if writer.at + len(piece) > self.upload.size:
            raise TooLarge("The chunk goes beyond the upload’s length.")
        self._require_place()
        for part in _split(piece, writer.mark_bytes - writer.at % writer.mark_bytes):
            writer.write(part)
            for digest in (self._own, self._hash):
                if digest is not None:
                    digest.update(part)
            if writer.at % writer.mark_bytes == 0:
                self._mark(writer)

    def _open_writer(self) -> stores.Writer:
        if self._writer is None:
            raise Conflict(_GONE[0], hint=_GONE[1])
        return self._writer

    def _mark(self, writer: stores.Writer) -> None:
        """Tells the database how much is safe, so that a killed portal loses little."""
        self._marks.append((writer.at, self._hash.state if self._hash else ""))
        self._tell(writer.mark())
        storage.require_still_room(self._file.tenant_id)

    def tell(self) -> None:
        """Tells what became safe meanwhile; for when nothing comes just now."""
        self._tell(self._open_writer().look())

    def finish(self, *, whole: bool) -> None:
        """The chunk's end: all of it came (`whole`), or the connection was cut.

        Raises UploadChecksum; then, and for a part of a chunk with a checksum, the offset stays.
        """
        writer = self._open_writer()
        if self._checksum is not None and not whole:
            writer.drop(self._told)
            return
        if self._own is not None and self._own.digest() != self._checksum:
            writer.drop(self._told)
            raise UploadChecksum(
                "The chunk’s SHA-256 isn’t the announced one.", hint="Send the chunk again."
            )
        self._checksum = None  # it was right: the offset may move now
        self._marks.append((writer.at, self._hash.state if self._hash else ""))
        self._tell(writer.settle())
        if self._told < self.upload.size:
            writer.forget()
        else:
            uploads.arrived(self.upload, self._hash.hexdigest() if self._hash else "")

    def _tell(self, safe: int) -> None:
        """Moves the offset to the last mark that is safe."""
        new, state = self._told, ""
        while self._checksum is None and self._marks and self._marks[0][0] <= safe:
            new, state = self._marks.popleft()
        if new == self._told:
            return
        if not uploads.advance(self.upload, old=self._told, new=new, hash_state=state):
            raise Conflict("The upload was ended meanwhile.")
        self._told = new

    def close(self) -> None:
        """Gives the place back; always, and once more does no harm."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._lease.end()


def _split(piece: bytes, first: int) -> Iterator[bytes]:
    """The piece, cut where `first` bytes of it are over. Marks lie further apart than a piece."""
    if len(piece) <= first:
        yield piece
        return
    yield piece[:first]
    yield piece[first:]

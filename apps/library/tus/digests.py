"""SHA-256 of files while they arrive, for uploads whose bytes all came through this process.

hashlib's state can't be kept anywhere else. Whoever loses it (a restart, another process, too many
uploads at once) has the file read once more at its end.
"""

import hashlib
import threading
from collections import OrderedDict
from typing import Any
from uuid import UUID

MOST = 256
_lock = threading.Lock()
_known: OrderedDict[UUID, tuple[int, Any]] = OrderedDict()


def take(upload_id: UUID, offset: int) -> Any | None:
    """A copy of the hash of the first `offset` bytes, or None."""
    if offset == 0:
        return hashlib.sha256()
    with _lock:
        at, digest = _known.get(upload_id, (-1, None))
        return digest.copy() if at == offset and digest is not None else None


def keep(upload_id: UUID, offset: int, digest: Any | None) -> None:
    """Remembers the hash of the first `offset` bytes; None forgets it."""
    with _lock:
        _known.pop(upload_id, None)
        if digest is not None:
            _known[upload_id] = (offset, digest)
            while len(_known) > MOST:
                _known.popitem(last=False)

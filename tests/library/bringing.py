"""Files as tenants bring them, without the socket: begun, written, arrived, looked at."""

import hashlib
from pathlib import Path
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.library import arrival, stores, uploads
from apps.library.models import StoredFile, Upload
from apps.library.stores.local import LocalStore
from apps.operations.models import Operation
from tests.fabric.fixtures import execute


def path_of(file: StoredFile) -> Path:
    """Where the local store has a file."""
    store = stores.current()
    assert isinstance(store, LocalStore)
    return store.path(file.key)


def bring(actor: User, kind: str, content: bytes | Path, name: str = "a.bin") -> Upload:
    """An upload that a worker has looked at."""
    data = content.read_bytes() if isinstance(content, Path) else content
    upload = uploads.begin(actor=actor, length=len(data), filename=name, kind=kind)
    assert upload.file is not None
    writer = stores.current().writer(upload.file, 0, lambda: None)
    for at in range(0, len(data), writer.mark_bytes):
        writer.write(data[at : at + writer.mark_bytes])
        if writer.at % writer.mark_bytes == 0:
            writer.mark()
    writer.settle()
    writer.close()
    uploads.advance(upload, old=0, new=len(data))
    uploads.arrived(upload, hashlib.sha256(data).hexdigest())
    arrival.receive(upload.pk)
    return Upload.objects.select_related("file").get(pk=upload.pk)


def item(actor: User, kind: str, content: bytes | Path, name: str = "a.bin") -> Any:
    """The row of the library that a file became."""
    return bring(actor, kind, content, name).item


def work() -> list[Operation]:
    """Does what is queued, as workers would, until nothing is."""
    done = []
    while (operation := Operation.objects.filter(status="queued").first()) is not None:
        done.append(execute(operation))
    return done


def again(row: Any) -> Any:
    row.refresh_from_db()
    return row


def atomically(call: Any, **named: Any) -> Any:
    with transaction.atomic():
        return call(**named)

"""A running operation's sign of life."""

import contextlib
import logging
import threading
from collections.abc import Iterator

from django.db import DatabaseError, connection
from django.utils import timezone

from apps.operations.choices import Status
from apps.operations.models import Operation

EVERY = 5.0
logger = logging.getLogger(__name__)


@contextlib.contextmanager
def beating(operation: Operation) -> Iterator[None]:
    """Says every few seconds, from its own thread, that this worker still has the operation."""
    over = threading.Event()
    thread = threading.Thread(
        target=_beat, args=(operation, over), name=f"heartbeat-{operation.pk}", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=1)


def _beat(operation: Operation, over: threading.Event) -> None:
    rows = Operation.objects.filter(pk=operation.pk, status=Status.RUNNING, worker=operation.worker)
    try:
        while not over.wait(EVERY):
            try:
                if not rows.update(heartbeat_at=timezone.now()):
                    return
            except DatabaseError as error:
                logger.warning("Operation %s couldn't show a heartbeat: %s", operation.pk, error)
    finally:
        connection.close()

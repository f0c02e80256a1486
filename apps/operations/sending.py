"""Handing an operation to a worker: only its id travels, and the row knows when."""

import logging
from typing import Any

from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.operations.models import Operation

EXECUTE, QUEUE = "operations.execute", "operations"
logger = logging.getLogger(__name__)


def send(operation_id: Any) -> bool:
    """Sends it. False where the broker doesn't answer: the row stays queued, and the reaper sends
    it again."""
    try:
        current_app.send_task(EXECUTE, args=(str(operation_id),), queue=QUEUE, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("Operation %s waits for the broker: %s", operation_id, error)
        return False
    with transaction.atomic():
        Operation.objects.filter(pk=operation_id).update(sent_at=timezone.now())
    return True

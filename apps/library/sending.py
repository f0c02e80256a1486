"""Handing a file that arrived to a worker: only its upload's id travels."""

import logging
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError

RECEIVED, QUEUE = "library.received", "operations"
logger = logging.getLogger(__name__)


def send_received(upload_id: Any) -> None:
    """Has a worker look at a file that arrived; the sweep makes up for a broker that is away."""
    try:
        current_app.send_task(RECEIVED, args=(str(upload_id),), queue=QUEUE, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("Upload %s waits for the next sweep: %s", upload_id, error)

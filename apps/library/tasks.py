"""What the workers do for the library."""

import logging
from typing import Any

from celery import shared_task
from kombu.exceptions import OperationalError

from apps.library import arrival, sweeping

logger = logging.getLogger(__name__)


@shared_task(name="library.received", acks_late=True)
def received(upload_id: str) -> None:
    arrival.receive(upload_id)


@shared_task(name="library.sweep", acks_late=False)
def sweep() -> None:
    sweeping.sweep()


@shared_task(name="library.tidy", acks_late=False)
def tidy() -> None:
    sweeping.tidy()


def send_received(upload_id: Any) -> None:
    """Has a worker look at a file that arrived; the sweep makes up for a broker that is away."""
    try:
        received.apply_async(args=(str(upload_id),), queue="operations", retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("Upload %s waits for the next sweep: %s", upload_id, error)

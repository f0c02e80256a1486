"""What the workers do for the library."""

from celery import shared_task

from apps.library import arrival, sending, sweeping


@shared_task(name=sending.RECEIVED, acks_late=True)
def received(upload_id: str) -> None:
    arrival.receive(upload_id)


@shared_task(name="library.sweep", acks_late=False)
def sweep() -> None:
    sweeping.sweep()


@shared_task(name="library.tidy", acks_late=False)
def tidy() -> None:
    sweeping.tidy()

"""What is done to the log in a worker."""

from celery import shared_task

from apps.audit import checkpoints, verification


@shared_task(name="audit.keep_checkpoint")
def keep_checkpoint() -> None:
    checkpoints.keep()


@shared_task(name="audit.verify")
def verify() -> None:
    verification.run(verification.begin())

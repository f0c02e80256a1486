"""What has to be tidied by the clock."""

from celery import shared_task

from apps.common.api import idempotency


@shared_task(name="common.sweep_answers")
def sweep_answers() -> None:
    idempotency.sweep()

"""What the workers do: fetch an id, call a service."""

from celery import shared_task

from apps.operations import execution, reaper, sending


@shared_task(name=sending.EXECUTE, acks_late=True)
def execute(operation_id: str) -> None:
    execution.execute(operation_id)


@shared_task(name="operations.reap", acks_late=False)
def reap() -> None:
    reaper.reap()

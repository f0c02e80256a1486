"""An operation's steps as its row keeps them: what each is, how far they are, how they end."""

from typing import Any

from django.utils import timezone

from apps.common.time import iso
from apps.operations.choices import Status, StepStatus
from apps.operations.models import Operation


def new_step(name: str) -> dict[str, Any]:
    """A step that hasn't begun."""
    return {
        "name": name,
        "status": StepStatus.PENDING,
        "progress": 0,
        "message": "",
        "started_at": None,
        "ended_at": None,
    }


def whole(steps: list[dict[str, Any]]) -> int:
    """How far all steps together are. 99 is the most: only the end is 100."""
    if not steps:
        return 0
    done = (StepStatus.SUCCEEDED, StepStatus.SKIPPED)
    parts = [100 if step["status"] in done else step["progress"] for step in steps]
    return min(99, sum(parts) // len(parts))


def close(operation: Operation) -> None:
    """No step runs once its operation has ended."""
    ended = {
        Status.SUCCEEDED: StepStatus.SUCCEEDED,
        Status.CANCELLED: StepStatus.CANCELLED,
    }.get(Status(operation.status), StepStatus.FAILED)
    for step in operation.steps:
        if step["status"] == StepStatus.RUNNING:
            step.update(status=ended, ended_at=iso(timezone.now()))

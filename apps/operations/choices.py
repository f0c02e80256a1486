"""The words for how far an operation or one of its steps has come."""

from django.db import models


class Status(models.TextChoices):
    """`failed`: the host said no. `errored`: the portal could not do it."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    ERRORED = "errored", "Errored"
    CANCELLED = "cancelled", "Cancelled"


class StepStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    SKIPPED = "skipped", "Skipped"


class EventKind(models.TextChoices):
    STATUS = "status"
    STEP = "step"
    PROGRESS = "progress"
    LOG = "log"
    SCRIPT = "script"


ACTIVE = frozenset({Status.QUEUED, Status.RUNNING})
ENDED = frozenset(set(Status) - ACTIVE)
RETRYABLE = frozenset({Status.FAILED, Status.ERRORED, Status.CANCELLED})

TONES = {
    Status.QUEUED: "neutral",
    Status.RUNNING: "info",
    Status.SUCCEEDED: "success",
    Status.FAILED: "danger",
    Status.ERRORED: "danger",
    Status.CANCELLED: "neutral",
}

"""Work in progress as rows: an operation, and what happened while it ran."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.common.access import RestrictedQuerySet
from apps.common.models import UUIDModel
from apps.operations.choices import ACTIVE, RETRYABLE, TONES, EventKind, Status


class Operation(UUIDModel):
    """One piece of work on one target. The only way in which anything on a host is changed.

    `steps` is a list of {name, status, progress, message, started_at, ended_at}; `error` is null or
    {code, message, hint, host_message}; `script` is null or {name, text, parameters} of the script
    that ran last, without secrets. `result` also holds what a runner has to know again when its
    worker died half-way.
    """

    noun = "operation"
    tenant_path = "tenant"
    owner_path = "actor"

    kind = models.CharField(max_length=64)
    target_kind = models.CharField(max_length=32)
    target_id = models.CharField(max_length=64)
    target_name = models.CharField(max_length=255)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="operations"
    )
    actor_name = models.CharField(max_length=150)
    tenant = models.ForeignKey(
        "accounts.Tenant", models.SET_NULL, null=True, related_name="operations"
    )
    title = models.CharField(max_length=255)
    parameters = models.JSONField(default=dict)
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    steps = models.JSONField(default=list)
    progress = models.PositiveSmallIntegerField(default=0)
    error = models.JSONField(null=True)
    result = models.JSONField(null=True)
    script = models.JSONField(null=True)
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="retries")
    exclusive = models.BooleanField(default=True)
    audited = models.BooleanField(default=True)
    cancel_requested = models.BooleanField(default=False)
    attempt = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=128, blank=True)
    sent_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = RestrictedQuerySet.as_manager()

    #: Which commands a page offers whom it is shown to: {"cancel", "retry"}; set by its view.
    may: dict[str, bool]

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["target_kind", "target_id"],
                condition=Q(status__in=sorted(ACTIVE), exclusive=True),
                name="one_active_operation_a_target",
            )
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="operation_by_age"),
            models.Index(fields=["status", "-created_at"], name="operation_by_status"),
            models.Index(fields=["target_id", "-created_at"], name="operation_by_target"),
            models.Index(fields=["tenant", "-created_at"], name="operation_by_tenant"),
            models.Index(fields=["actor", "-created_at"], name="operation_by_actor"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    @property
    def can_retry(self) -> bool:
        return self.status in RETRYABLE

    @property
    def tone(self) -> str:
        """The colour that its status has on a page."""
        return TONES[Status(self.status)]

    @property
    def step_number(self) -> int:
        """Which of its steps runs, counted from 1; 0 between steps."""
        running = (n for n, step in enumerate(self.steps, 1) if step["status"] == "running")
        return next(running, 0)

    @property
    def seconds(self) -> float | None:
        """How long it has taken, or takes so far; None before it began."""
        if self.started_at is None:
            return None
        return ((self.ended_at or timezone.now()) - self.started_at).total_seconds()

    @property
    def current_step(self) -> dict[str, Any] | None:
        """The step that runs, or None between steps."""
        return next((step for step in self.steps if step["status"] == "running"), None)


class OperationEvent(models.Model):
    """Something that happened while an operation ran; `seq` counts from 1 within the operation."""

    operation = models.ForeignKey(Operation, models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    time = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=16, choices=EventKind)
    step = models.CharField(max_length=128, blank=True)
    progress = models.PositiveSmallIntegerField(null=True)
    message = models.TextField(blank=True)

    class Meta:
        ordering = ["operation_id", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["operation", "seq"], name="event_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.seq}: {self.message}"

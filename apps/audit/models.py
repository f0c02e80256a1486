"""What was done, by whom, to what, and how it ended. Outlives all that it names."""

import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Q

from apps.common.access import RestrictedQuerySet, Scope


class Outcome(models.TextChoices):
    REQUESTED = "requested"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ERRORED = "errored"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    DONE = "done"


class AuditQuerySet(RestrictedQuerySet):
    def within(self, user: Any, scope: Scope) -> Self:
        """A tenant reads what it did itself, and what befell its own virtual machines."""
        if scope == "all":
            return self
        mine = Q(actor_id=str(user.pk))
        if scope == "tenant" and user.tenant_id is not None:
            mine |= Q(tenant_id=user.tenant_id)
        return self.filter(mine)


class AuditEntry(models.Model):
    """One line of the log. Names are copied, ids are plain text: no row that it names has to
    live on.

    `hash` is its leaf's in the log's tree (hex), `subtrees` are those of the perfect subtrees that
    it completed, the lowest first: entry 8 holds those of entries 7 to 8, 5 to 8 and 1 to 8.
    """

    noun = "audit-entry"

    index = models.BigIntegerField(unique=True)
    time = models.DateTimeField()
    actor_name = models.CharField(max_length=150)
    actor_id = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=64)
    target_kind = models.CharField(max_length=32)
    target_id = models.CharField(max_length=64, blank=True)
    target_name = models.CharField(max_length=255, blank=True)
    tenant_id = models.UUIDField(null=True)
    outcome = models.CharField(max_length=16, choices=Outcome)
    detail = models.JSONField(default=dict)
    hash = models.CharField(max_length=64)
    subtrees = models.JSONField(default=list)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-index"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["time"], name="audit_by_time"),
            models.Index(fields=["actor_name", "-index"], name="audit_by_actor"),
            models.Index(fields=["tenant_id", "-index"], name="audit_by_tenant"),
            models.Index(fields=["target_id", "-index"], name="audit_by_target"),
        ]

    def __str__(self) -> str:
        return f"{self.index}: {self.action} of {self.target_name} by {self.actor_name}"


class AuditHead(models.Model):
    """One row: how many entries there are. Whoever writes an entry holds its lock, so none is
    skipped. `peaks`: hashes of the tree's perfect subtrees, from left to right.
    """

    size = models.BigIntegerField(default=0)
    peaks = models.JSONField(default=list)
    last_time = models.DateTimeField(default=datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC))

    def __str__(self) -> str:
        return f"{self.size} entries"


class AuditCheckpoint(models.Model):
    """The log's size and root at a moment, signed. `note` is the signed note."""

    size = models.BigIntegerField(unique=True)
    root = models.CharField(max_length=64)
    note = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-size"]

    def __str__(self) -> str:
        return f"{self.size} entries: {self.root}"


class Verification(models.Model):
    """One reading of the whole log against its hashes and checkpoints.

    `size` is how far it came; `problem` says what was wrong first, "" while nothing is.
    """

    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    size = models.BigIntegerField(default=0)
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.size} entries: {self.problem or 'as they were written'}"

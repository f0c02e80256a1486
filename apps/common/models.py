"""What rows have in common, and the answers kept for requests that carry an Idempotency-Key."""

import uuid

from django.db import models


class UUIDModel(models.Model):
    """A row known by an id that tells nothing and never collides."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta:
        abstract = True


class KeptAnswer(models.Model):
    """The answer to a request that named a key; `status` is null while the request is under way."""

    user_id = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user_id", "key"], name="one_answer_for_a_key")
        ]
        indexes = [models.Index(fields=["started_at"], name="kept_answer_by_age")]

    def __str__(self) -> str:
        return f"answer for key {self.key}"

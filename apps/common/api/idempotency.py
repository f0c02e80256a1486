"""Idempotency-Key: the same key of the same person gives the same answer, and does the work
once.
"""

import datetime
import hashlib
import hmac
from dataclasses import dataclass, field

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.common.errors import Conflict, Invalid
from apps.common.models import KeptAnswer

KEPT = datetime.timedelta(hours=24)
# A request that has been under way for longer than any can be was lost with its process.
LOST = datetime.timedelta(minutes=3)


@dataclass(frozen=True)
class Answer:
    """An answer as it was sent, to be sent again."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def fingerprint(method: str, path: str, *content: bytes) -> str:
    """What tells one request from another under the same key. Nobody who reads the database can
    try out what the content was, a password for example: it is keyed.
    """
    digest = hmac.new(settings.SECRET_KEY.encode(), f"{method} {path}\n".encode(), hashlib.sha256)
    for part in content:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def begin(*, user_id: str, key: str, fingerprint: str) -> Answer | int:
    """The answer to replay, or the number under which this request's answer is to be kept.

    Raises Conflict where the key stands for another request, or where its request is still under
    way.
    """
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise Invalid("Idempotency-Key has to be 1 to 255 printable characters.")
    for _ in range(2):
        try:
            with transaction.atomic():
                row = KeptAnswer.objects.create(
                    user_id=user_id, key=key, fingerprint=fingerprint, started_at=timezone.now()
                )
            return row.pk
        except IntegrityError:
            found = _existing(user_id, key, fingerprint)
            if found is not None:
                return found
    raise Conflict("A request with this Idempotency-Key is under way.")


def _existing(user_id: str, key: str, fingerprint: str) -> Answer | None:
    """The kept answer, or None once an outdated row is out of the way."""
    row = KeptAnswer.objects.filter(user_id=user_id, key=key).first()
    if row is None:
        return None
    age = timezone.now() - row.started_at
    if age > KEPT or (row.status is None and age > LOST):
        KeptAnswer.objects.filter(pk=row.pk, started_at=row.started_at).delete()
        return None
    if row.fingerprint != fingerprint:
        raise Conflict(
            "This Idempotency-Key was used for another request.",
            hint="Use a new key for a new request.",
        )
    if row.status is None:
        raise Conflict(
            "A request with this Idempotency-Key is under way.", hint="Ask again in a moment."
        )
    return Answer(row.status, row.headers, bytes(row.body))


def finish(number: int, answer: Answer) -> None:
    """Keeps the answer. A fault of ours and a refusal to wait for are not kept: the next try may
    succeed.
    """
    if answer.status >= 500 or answer.status in (401, 429):
        forget(number)
        return
    KeptAnswer.objects.filter(pk=number).update(
        status=answer.status, headers=answer.headers, body=answer.body
    )


def forget(number: int) -> None:
    KeptAnswer.objects.filter(pk=number).delete()


def sweep() -> int:
    """Removes answers that nobody may ask for any more; how many."""
    return KeptAnswer.objects.filter(started_at__lt=timezone.now() - KEPT).delete()[0]

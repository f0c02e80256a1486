"""The log's size and root, signed: now, for whoever asks, and kept every few minutes."""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.audit import proofs
from apps.audit.models import AuditCheckpoint, AuditHead
from apps.audit.notes import Signer


@dataclass(frozen=True)
class Checkpoint:
    """`note` is "" where the portal has no key to sign with."""

    size: int
    root: bytes
    note: str


def signer() -> Signer | None:
    seed = settings.FABRIC_AUDIT_KEY
    return Signer.from_seed(seed) if seed else None


def now(size: int | None = None) -> Checkpoint:
    """The log as it is, or its first `size` entries."""
    size = proofs.size() if size is None else size
    root, key = proofs.root(size), signer()
    return Checkpoint(size, root, key.checkpoint(size, root) if key else "")


@transaction.atomic
def keep() -> AuditCheckpoint | None:
    """Signs and keeps where the log is, if it grew and there is a key."""
    head = AuditHead.objects.select_for_update(no_key=True).filter(pk=1).first()
    if head is None or AuditCheckpoint.objects.filter(size=head.size).exists():
        return None
    checkpoint = now(head.size)
    if not checkpoint.note:
        return None
    return AuditCheckpoint.objects.create(
        size=checkpoint.size, root=checkpoint.root.hex(), note=checkpoint.note,
        created_at=timezone.now(),
    )  # fmt: skip

"""The one way in which the log grows. Called by services, in the transaction of what they
change.
"""

import uuid
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit import leaves, tree
from apps.audit.models import AuditEntry, AuditHead
from apps.common.redact import without_secrets

SYSTEM = "system"


@transaction.atomic
def record(
    *,
    actor: Any,
    action: str,
    target_kind: str,
    target_id: Any,
    target_name: str,
    outcome: str,
    tenant_id: uuid.UUID | None = None,
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """Adds an entry. `actor` is a user, a name, or None for the portal itself.

    The head's row is locked until the caller's transaction ends: indexes have no gap, not even
    after a rollback, and times never go back.
    """
    head = AuditHead.objects.select_for_update(no_key=True).get_or_create(pk=1)[0]
    now = max(timezone.now(), head.last_time)
    entry = AuditEntry(
        index=head.size + 1,
        time=now,
        actor_name=_name(actor),
        actor_id=str(getattr(actor, "pk", "") or ""),
        action=action,
        target_kind=target_kind,
        target_id=str(target_id or ""),
        target_name=target_name[:255],
        tenant_id=tenant_id,
        outcome=outcome,
        detail=leaves.plain(without_secrets(detail or {})),
    )
    peaks = _grow(entry, head)
    AuditHead.objects.filter(pk=1).update(size=entry.index, last_time=now, peaks=peaks)
    entry.save(force_insert=True)
    return entry


def _grow(entry: AuditEntry, head: AuditHead) -> list[str]:
    """Gives the entry its hashes; the tree's peaks with it."""
    leaf = tree.leaf_hash(leaves.text_of(entry).encode())
    before = [bytes.fromhex(peak) for peak in head.peaks]
    peaks, completed = tree.appended(before, head.size, leaf)
    entry.hash, entry.subtrees = leaf.hex(), [node.hex() for node in completed]
    return [peak.hex() for peak in peaks]


def _name(actor: Any) -> str:
    if actor is None:
        return SYSTEM
    return actor if isinstance(actor, str) else actor.get_username()

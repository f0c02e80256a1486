"""Reads the whole log again: is every entry as it was when it was written?"""

import datetime
from collections.abc import Iterator

from django.utils import timezone

from apps.audit import leaves, tree
from apps.audit.checkpoints import signer
from apps.audit.models import AuditCheckpoint, AuditEntry, AuditHead, Verification

CHUNK = 1000
#: One that has no end after so long was lost with its worker.
LOST = datetime.timedelta(minutes=15)


def under_way() -> Verification | None:
    """The one that runs now."""
    since = timezone.now() - LOST
    return Verification.objects.filter(ended_at=None, started_at__gt=since).first()


def begin() -> Verification:
    """A new one, or the one that runs."""
    return under_way() or Verification.objects.create(started_at=timezone.now())


def run(verification: Verification) -> Verification:
    """Compares until the first thing that is wrong, and keeps what came of it."""
    peaks: list[bytes] = []
    signed = {kept.size: kept for kept in AuditCheckpoint.objects.all()}  # before the head is read
    head = AuditHead.objects.filter(pk=1).first()
    size = 0
    for entry in _entries(head.size if head else 0):
        peaks, problem = _grown(peaks, size, entry)
        size += 0 if problem else 1
        problem = problem or _checkpoint(signed.pop(size, None), peaks)
        if problem:
            return _ended(verification, size, problem)
    if head is not None and (size, [p.hex() for p in peaks]) != (head.size, head.peaks):
        gone = f"The log has {head.size} entries by its head; the last ones aren’t there."
        return _ended(verification, size, gone)
    if signed:
        return _ended(verification, size, f"{max(signed)} entries were signed; {size} are there.")
    return _ended(verification, size, "")


def _entries(size: int) -> Iterator[AuditEntry]:
    """In their order; what comes while this reads is left for the next time."""
    rows = AuditEntry.objects.filter(index__lte=size).order_by("index")
    return rows.iterator(chunk_size=CHUNK)


def _grown(peaks: list[bytes], size: int, entry: AuditEntry) -> tuple[list[bytes], str]:
    if entry.index != size + 1:
        return peaks, f"Entry {size + 1} isn’t there."
    leaf = tree.leaf_hash(leaves.text_of(entry).encode())
    if leaf.hex() != entry.hash:
        return peaks, f"Entry {entry.index} isn’t what it was when it was written."
    grown, completed = tree.appended(peaks, size, leaf)
    if [node.hex() for node in completed] != entry.subtrees:
        return peaks, f"The hashes that entry {entry.index} keeps of those before it are wrong."
    return grown, ""


def _checkpoint(kept: AuditCheckpoint | None, peaks: list[bytes]) -> str:
    if kept is None:
        return ""
    root, key = tree.root_of(peaks), signer()
    if kept.root != root.hex():
        return f"The first {kept.size} entries aren’t those that were signed."
    if key is not None and key.name in kept.note and kept.note != key.checkpoint(kept.size, root):
        return f"The checkpoint at {kept.size} isn’t what the portal signed."
    return ""


def _ended(verification: Verification, size: int, problem: str) -> Verification:
    verification.size, verification.problem = size, problem
    verification.ended_at = timezone.now()
    verification.save()
    return verification

"""What happens to a file whose last byte is there: its hash, a first look, its row."""

import hashlib
import logging
from typing import Any

from django.db import transaction
from redis.exceptions import LockNotOwnedError

from apps.common.redis import client
from apps.library import inspection, stores, uploads
from apps.library.choices import ItemStatus, Kind, UploadStatus
from apps.library.formats import DiskFacts, inspect
from apps.library.models import ShieldingData, StoredFile, TemplateDisk, Upload

#: Pieces of a file that are hashed between two words to the lock.
LOCK_KEPT_EVERY = 1024
#: A worker that holds an upload for longer than this without a word was lost.
HELD_SECONDS = 120
logger = logging.getLogger(__name__)


def receive(upload_id: Any) -> None:
    """Verifies an upload and makes its row. Doing it again, or twice at once, does no harm."""
    lock = client().lock(f"fabric:library:received:{upload_id}", timeout=HELD_SECONDS)
    if not lock.acquire(blocking=False):
        return
    try:
        upload = (
            Upload.objects.select_related("file", "tenant", "actor")
            .filter(pk=upload_id, status=UploadStatus.VERIFYING)
            .first()
        )
        if upload is not None and upload.file is not None:
            stores.current().finish(upload.file)
            sha256 = upload.sha256 or _hash(upload.file, lock)
            _settle(upload, upload.file, sha256)
    finally:
        try:
            lock.release()
        except LockNotOwnedError:
            logger.warning("Looking at upload %s took longer than its lock.", upload_id)


def _hash(file: StoredFile, lock: Any) -> str:
    digest = hashlib.sha256()
    with stores.current().open(file) as content:
        for number, piece in enumerate(content.pieces(0, content.size - 1)):
            digest.update(piece)
            if number % LOCK_KEPT_EVERY == 0:
                lock.reacquire()
    return digest.hexdigest()


def _settle(upload: Upload, file: StoredFile, sha256: str) -> None:
    facts = _facts(file) if file.kind == Kind.TEMPLATE_DISK else None
    with transaction.atomic():
        row = Upload.objects.select_for_update(no_key=True).filter(
            pk=upload.pk, status=UploadStatus.VERIFYING
        )
        if not row.exists():
            return
        file.sha256, file.incoming = sha256, None
        file.save(update_fields=["sha256", "incoming"])
        item = _item(upload, file, facts)
        problem = facts.problems[0].as_dict() if facts and facts.refused else None
        status = UploadStatus.REFUSED if problem else UploadStatus.COMPLETE
        row.update(sha256=sha256, status=status, problem=problem)
        detail = {"sha256": sha256, "size": upload.size, "kind": upload.kind}
        if problem:
            detail["code"] = problem["code"]
        outcome = "refused" if problem else "succeeded"
        uploads.tell(upload, "upload.complete", outcome, upload.actor, detail)
        if item is not None and item.status != ItemStatus.REFUSED:
            inspection.ask(item, actor=upload.actor)


def _facts(file: StoredFile) -> DiskFacts:
    with stores.current().open(file) as content:
        return inspect(content)


def _item(
    upload: Upload, file: StoredFile, facts: DiskFacts | None
) -> TemplateDisk | ShieldingData | None:
    """The row of the library that the file becomes; plain disks and ISO images stay uploads."""
    common: dict[str, Any] = {
        "tenant": upload.tenant,
        "file": file,
        "filename": upload.filename,
        "size_bytes": upload.size,
        "sha256": file.sha256,
    }
    if upload.kind == Kind.SHIELDING_DATA:
        return ShieldingData.objects.create(**common)
    if facts is None:
        return None
    shape = facts.as_dict()
    return TemplateDisk.objects.create(
        **common,
        status=ItemStatus.REFUSED if facts.refused else ItemStatus.INSPECTING,
        container=shape["container"],
        partitions=shape["partitions"],
        bitlocker=shape["bitlocker"],
        evidence=shape["signature"]["evidence"],
        problems=shape["problems"],
    )

"""An upload's life up to its last byte: begun, moved on, ended before its time."""

import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Tenant, User
from apps.accounts.permissions import require, require_noun
from apps.audit import services as audit
from apps.common.errors import Invalid, TooLarge
from apps.library import sending, staging, storage, stores, usage
from apps.library.choices import Kind, UploadStatus
from apps.library.formats import REFUSALS
from apps.library.models import StoredFile, Upload
from apps.library.names import clean
from apps.operations import nudges

#: An upload that nobody goes on with is given up after this; its row then says so for as long.
KEPT = datetime.timedelta(days=7)
LARGEST = 64 << 40


def begin(
    *, actor: User, length: int, filename: str, kind: str, tenant: str | None = None
) -> Upload:
    """A new upload with its room reserved. Raises Forbidden, Invalid, QuotaExceeded, NoSpace."""
    require_noun(actor, "upload", "upload")
    owner = _tenant(actor, tenant)
    name = _checked_name(filename)
    if kind not in Kind.values:
        raise Invalid.field("kind", f"It has to be one of {', '.join(Kind.values)}.")
    if length == 0:
        message, fix = REFUSALS["empty-file"]
        raise Invalid.field("Upload-Length", message, "empty-file", hint=fix)
    with transaction.atomic():
        storage.require_room(owner, length)  # first: it says what the tenant can do about it
        most = min(LARGEST, stores.current().largest)
        if length > most:
            raise TooLarge(f"A file may have {storage.words(most)} at most.")
        file = StoredFile.objects.create(tenant=owner, kind=kind, size_bytes=length)
        upload = Upload.objects.create(
            tenant=owner, actor=actor, file=file, kind=kind, filename=name, size=length,
            expires_at=timezone.now() + KEPT,
        )  # fmt: skip
        storage.make(file)
        tell(upload, "upload.begin", "done", actor, {"size": length, "kind": kind})
    return upload


def _tenant(actor: User, named: str | None) -> Tenant:
    """The actor's own tenant; a name or id in the metadata may only say the same."""
    own = actor.tenant
    if own is None:
        raise Invalid.field("tenant", "You belong to no tenant, so the file would be nobody’s.")
    if named and named not in (own.name, str(own.pk)):
        raise Invalid.field("tenant", "There is no such tenant.")
    return own


def _checked_name(filename: str) -> str:
    name = clean(filename)
    if not name:
        raise Invalid.field("filename", "It has to be the name of a file.")
    return name


def advance(upload: Upload, *, old: int, new: int, hash_state: str = "") -> bool:
    """Moves the offset on from where this writer found it; False where somebody else moved it or
    the upload is gone. `hash_state` is that of the new offset.
    """
    now = timezone.now()
    moved = Upload.objects.filter(
        pk=upload.pk, offset=old, status=UploadStatus.RECEIVING
    ).update(
        offset=new, hash_state=hash_state, touched_at=now, expires_at=now + KEPT
    )  # fmt: skip
    if moved:
        upload.offset, upload.touched_at, upload.expires_at = new, now, now + KEPT
    return bool(moved)


@transaction.atomic
def arrived(upload: Upload, sha256: str) -> None:
    """The last byte is there. `sha256` is empty where it has to be computed from the file."""
    verifying = Upload.objects.filter(
        pk=upload.pk, status=UploadStatus.RECEIVING, offset=upload.size
    ).update(status=UploadStatus.VERIFYING, sha256=sha256, expires_at=None)
    if verifying:
        upload.refresh_from_db()
        nudge(upload)
        transaction.on_commit(lambda: sending.send_received(upload.pk), robust=True)


@transaction.atomic
def terminate(*, actor: User, upload: Upload) -> None:
    """Removes an upload, and its bytes unless they became a row of the library. Raises InUse."""
    require(actor, "delete", upload)
    usage.hold(upload)
    usage.require_unused(upload)
    tell(upload, "upload.delete", "done", actor)
    _drop(upload)


def _drop(upload: Upload) -> None:
    """Takes the row away; whoever still writes finds it gone."""
    file, item = upload.file, upload.item
    upload.delete()
    if file is not None and item is None:
        storage.remove(file)
        staging.ask_to_forget(file.sha256)


@transaction.atomic
def expire(upload: Upload) -> None:
    """Gives up an upload that stood still; its row stays to say so."""
    expired = Upload.objects.filter(
        pk=upload.pk, status=UploadStatus.RECEIVING, expires_at__lte=timezone.now()
    ).update(status=UploadStatus.EXPIRED, file=None)
    if not expired:
        return
    file = upload.file
    if file is not None:
        storage.remove(file)
    tell(upload, "upload.expire", "done", None)


def sweep() -> None:
    """Expires what stood still, and forgets what expired long ago."""
    now = timezone.now()
    still = Upload.objects.filter(status=UploadStatus.RECEIVING, expires_at__lte=now)
    for upload in still.select_related("file")[:500]:
        expire(upload)
    Upload.objects.filter(status=UploadStatus.EXPIRED, expires_at__lte=now - KEPT).delete()


def tell(
    upload: Upload,
    action: str,
    outcome: str,
    actor: User | None,
    detail: dict[str, Any] | None = None,
) -> None:
    """An audit entry and a nudge."""
    audit.record(
        actor=actor,
        action=action,
        target_kind="upload",
        target_id=upload.pk,
        target_name=upload.filename,
        outcome=outcome,
        tenant_id=upload.tenant_id,
        detail=detail,
    )
    nudge(upload)


def nudge(upload: Upload) -> None:
    nudges.publish("library", upload.pk, upload.tenant_id, kind="upload")

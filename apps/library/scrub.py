"""Reading files at rest once more: whether they still are what arrived."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import require
from apps.audit import services as audit
from apps.common.errors import StateForbids
from apps.library import inspection, storage, stores
from apps.library.choices import ItemStatus, UploadStatus
from apps.library.models import StoredFile, TemplateDisk, Upload
from apps.library.sha256 import BLOCK, Sha256
from apps.operations import nudges
from apps.operations import services as operations
from apps.operations.choices import ACTIVE
from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.operations.models import Operation

VERIFY = "library.verify"
READ = "Read the file again"
#: What an attempt remembers: {bytes, state}, how far it was and the hash up to there.
READING = "reading"
DAMAGED = "damaged"
#: Files that are read by the clock at once; who asks for one isn't kept waiting by them.
AT_ONCE = 1
LOOKED_AT = 200
#: After a reading by the clock that didn't end well the file is left alone for this long.
PAUSE = datetime.timedelta(hours=1)
#: Between two words about how far it is, in bytes, and between two notes for whoever takes over.
SAYS_EVERY, NOTES_EVERY = 64 << 20, 512 << 20


def problem() -> dict[str, str]:
    """What is wrong with a file that differs; the shape of a problem."""
    return {
        "code": DAMAGED,
        "message": "What is stored is no longer what arrived: its SHA-256 differs.",
        "fix": "Upload the file again and delete this one, or restore it in the store and have it "
        "read again. Copies that hosts already have aren’t concerned.",
    }


@transaction.atomic
def ask(*, actor: User | None, subject: Any) -> Operation:
    """Has a file read again. Raises StateForbids where it isn't whole."""
    if actor is not None:
        require(actor, "delete", subject)
    if subject.file is None or not subject.file.sha256:
        raise StateForbids("There is no whole file to read yet.")
    inspection.nudge(subject)
    return operations.request(
        actor=actor,
        kind=VERIFY,
        target_kind=subject.noun,
        target_id=subject.pk,
        target_name=subject.filename,
        title=f"Read {subject.filename} again",
        tenant=subject.tenant,
        parameters={"file": str(subject.file.pk)},
        exclusive=False,  # neither an inspection nor a deletion waits for it
        audit=actor is not None,
    )


def verify(ctx: Context) -> dict[str, Any]:
    """Reads the file and keeps what that found. Fails where it differs."""
    file = StoredFile.objects.filter(pk=ctx.parameters["file"]).first()
    if file is None:
        raise OperationFailed("not-found", f"{ctx.operation.target_name} no longer exists.")
    with ctx.step(READ):
        found = _read(ctx, file)
        intact = found == file.sha256
        _keep(file, intact)
        if not intact:
            told = problem()
            raise OperationFailed(DAMAGED, told["message"], told["fix"])
    return {"sha256": found, "intact": True, READING: None}


def _read(ctx: Context, file: StoredFile) -> str:
    """The SHA-256 of what is there; empty where nothing is."""
    digest, done = _begun(ctx)
    try:
        with stores.current().open(file) as content:
            for piece in content.pieces(done, content.size - 1):
                digest.update(piece)
                done += len(piece)
                if done % SAYS_EVERY < len(piece):
                    ctx.check_cancelled()
                    ctx.progress(100 * done / file.size_bytes)
                if done % NOTES_EVERY < len(piece) and digest.state:
                    whole = done - done % BLOCK  # what the state is of
                    ctx.remember(**{READING: {"bytes": whole, "state": digest.state}})
    except FileNotFoundError:
        return ""
    except (stores.StoreAway, OSError) as error:
        raise OperationFailed(
            "store-away", "The file can’t be read just now.", "Try again later.", str(error)
        ) from error
    return digest.hexdigest()


def ended(operation: Operation) -> None:
    """However it ended: pages say no longer that the file is being read."""
    nudges.publish("library", operation.target_id, operation.tenant_id, kind=operation.target_kind)


def _begun(ctx: Context) -> tuple[Sha256, int]:
    """The hash of what a lost worker had read, and how much that was; else from the beginning."""
    noted = ctx.recall(READING)
    if not noted:
        return Sha256(), 0
    found = Sha256.resumed(noted["state"], noted["bytes"], b"")
    if found is None:
        ctx.log("It is read from the beginning: this worker can’t take up another one’s hash.")
        return Sha256(), 0
    ctx.log(f"It goes on at {storage.words(noted['bytes'])}, where the worker before was lost.")
    return found, noted["bytes"]


@transaction.atomic
def _keep(file: StoredFile, intact: bool) -> None:
    """The verdict, and what it means for the row of the library."""
    before = StoredFile.objects.select_for_update(no_key=True).filter(pk=file.pk).first()
    if before is None:
        return
    StoredFile.objects.filter(pk=file.pk).update(is_intact=intact, read_at=timezone.now())
    subject = subject_of(before)
    if subject is None:
        return
    if not intact and before.is_intact is not False:
        _refuse(subject, problem())
        _record(subject, "differs")
    elif intact and before.is_intact is False:
        _trust_again(subject)
        _record(subject, "restored")
    inspection.nudge(subject)


def is_under_way(subject: Any) -> bool:
    """Whether the file of a row is being read just now, or about to be."""
    return Operation.objects.filter(
        kind=VERIFY, target_kind=subject.noun, target_id=str(subject.pk), status__in=ACTIVE
    ).exists()


def being_read(subjects: Iterable[Any]) -> set[str]:
    """The ids of those of some rows whose files are."""
    asked = Operation.objects.filter(
        kind=VERIFY, target_id__in=[str(one.pk) for one in subjects], status__in=ACTIVE
    )
    return set(asked.values_list("target_id", flat=True))


def told_of(file: StoredFile | None) -> dict[str, Any]:
    """What readings at rest found, as API and pages tell it: {read_at, ok, message}."""
    if file is None or file.is_intact is None:
        return {"read_at": None, "ok": None, "message": "It wasn’t read again yet."}
    message = "It is what arrived." if file.is_intact else problem()["message"]
    return {"read_at": file.read_at, "ok": file.is_intact, "message": message}


def subject_of(file: StoredFile) -> Any | None:
    """The row that the file is of: its item, else its upload."""
    return (
        getattr(file, "template_disk", None)
        or getattr(file, "shielding_data", None)
        or getattr(file, "upload", None)
    )


def _refuse(subject: Any, told: dict[str, str]) -> None:
    if isinstance(subject, Upload):
        Upload.objects.filter(pk=subject.pk).update(status=UploadStatus.REFUSED, problem=told)
        return
    problems = [told, *(one for one in subject.problems if one["code"] != DAMAGED)]
    type(subject).objects.filter(pk=subject.pk).update(
        status=ItemStatus.REFUSED, problems=problems, retry_at=None
    )


def _trust_again(subject: Any) -> None:
    """A file that is right again is looked into again: nobody did while it wasn't."""
    if isinstance(subject, Upload):
        Upload.objects.filter(pk=subject.pk).update(status=UploadStatus.COMPLETE, problem=None)
        return
    left = [one for one in subject.problems if one["code"] != DAMAGED]
    if left and isinstance(subject, TemplateDisk) and subject.inspected_at is None:
        TemplateDisk.objects.filter(pk=subject.pk).update(problems=left)  # it was refused before
        return
    type(subject).objects.filter(pk=subject.pk).update(
        status=ItemStatus.INSPECTING, problems=[], failures=0
    )
    subject.refresh_from_db()
    inspection.ask(subject, actor=None)


def _record(subject: Any, outcome: str) -> None:
    audit.record(
        actor=None,
        action=f"{subject.noun}.verify",
        target_kind=subject.noun,
        target_id=subject.pk,
        target_name=subject.filename,
        outcome="done",
        tenant_id=subject.tenant_id,
        detail={"sha256": subject.sha256, "found": outcome},
    )


def sweep() -> None:
    """Has the file read again whose last reading is longest ago, if that is long ago."""
    if not settings.FABRIC_SCRUB_DAYS:
        return
    under_way = Operation.objects.filter(kind=VERIFY, actor=None, status__in=ACTIVE).count()
    if under_way >= AT_ONCE:
        return
    now = timezone.now()
    old = now - datetime.timedelta(days=settings.FABRIC_SCRUB_DAYS)
    due = (
        StoredFile.objects.exclude(sha256="")
        .filter(Q(read_at=None) | Q(read_at__lt=old))
        .order_by(F("read_at").asc(nulls_first=True), "created_at")
        .select_related("template_disk", "shielding_data", "upload")
    )
    left_alone = _left_alone(now)
    chosen = (
        subject
        for subject in map(subject_of, due[:LOOKED_AT])
        if subject is not None
        and str(subject.pk) not in left_alone
        and not getattr(subject, "is_waiting", False)  # hosts are at it: it is read after them
    )
    for subject in itertools.islice(chosen, AT_ONCE - under_way):
        ask(actor=None, subject=subject)


def _left_alone(now: datetime.datetime) -> set[str]:
    """What is being read, or was a short while ago: a store that is away gets a rest."""
    asked = Operation.objects.filter(kind=VERIFY).filter(
        Q(status__in=ACTIVE) | Q(ended_at__gt=now - PAUSE)
    )
    return set(asked.values_list("target_id", flat=True))

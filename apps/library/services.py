"""What people do to rows of the library."""

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import require
from apps.audit import services as audit
from apps.common.errors import StateForbids
from apps.library import inspection, scrub, staging, storage, usage
from apps.library.models import ShieldingData, StoredFile, TemplateDisk
from apps.operations import services as operations
from apps.operations.models import Operation

Item = TemplateDisk | ShieldingData


@transaction.atomic
def delete(*, actor: User, item: Item) -> None:
    """Removes a row with its file, its upload and its pairs. Raises InUse while something needs
    it, OperationActive while a host looks into it. What it fits needn't be found out any more.
    """
    require(actor, "delete", item)
    locked = type(item).objects.select_for_update(no_key=True).get(pk=item.pk)
    usage.require_unused(locked)
    inspection.let_go(locked)
    operations.require_none_active(item.noun, item.pk)
    record(actor, item, "delete")
    inspection.nudge(item)
    _remove(locked)


def record(actor: User, item: Item, act: str) -> None:
    """An audit entry of what was done with an item at once."""
    audit.record(
        actor=actor,
        action=f"{item.noun}.{act}",
        target_kind=item.noun,
        target_id=item.pk,
        target_name=item.name,
        outcome="done",
        tenant_id=item.tenant_id,
        detail={"sha256": item.sha256},
    )


def _remove(item: Item) -> None:
    file: StoredFile = item.file
    upload = getattr(file, "upload", None)
    item.delete()
    if upload is not None:
        upload.delete()
    sha256 = file.sha256
    storage.remove(file)
    staging.ask_to_forget(sha256)


@transaction.atomic
def inspect_again(*, actor: User, item: Item) -> Operation:
    """Has a host look once more. Raises StateForbids, OperationActive."""
    require(actor, "view", item)
    if item.file.is_intact is False:
        told = scrub.problem()
        raise StateForbids(told["message"], hint=told["fix"])
    if isinstance(item, TemplateDisk) and item.problems and item.inspected_at is None:
        raise StateForbids(
            "No host needs to look: the file itself can’t be a template.",
            hint=item.problems[0]["fix"],
        )
    return inspection.again(actor=actor, item=item)

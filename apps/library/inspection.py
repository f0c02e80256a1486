"""Having a host look into a file that only Windows can read."""

import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.common.errors import OperationActive, StateForbids
from apps.library import hosts
from apps.library.choices import WAITING, ItemStatus
from apps.library.models import Pair, ShieldingData, TemplateDisk, item_model
from apps.operations import nudges
from apps.operations import services as operations
from apps.operations.choices import ACTIVE, Status
from apps.operations.models import Operation

INSPECT = "library.inspect"
CHECK_PAIR = "library.check-pair"
#: How long a host that couldn't answer is left alone: doubled each time, at most …
FIRST_WAIT, LONGEST_WAIT = datetime.timedelta(seconds=15), datetime.timedelta(minutes=5)
NOBODY = "No host is up that could look into it. It goes on by itself as soon as one is."
BATCH = 100
Item = TemplateDisk | ShieldingData


@transaction.atomic
def ask(item: Item, *, actor: User | None) -> Operation | None:
    """Queues the inspection of an item, or has it wait while there is no host for it."""
    place = hosts.choose(size_bytes=item.size_bytes, sha256=item.sha256, attempt=item.failures)
    if place is None:
        wait(item, NOBODY)
        return None
    type(item).objects.filter(pk=item.pk).update(
        status=ItemStatus.INSPECTING, waiting_for="", retry_at=None
    )
    nudge(item)
    return operations.request(
        actor=actor,
        kind=INSPECT,
        target_kind=item.noun,
        target_id=item.pk,
        target_name=item.filename,
        title=f"Inspect {item.filename}",
        tenant=item.tenant,
        parameters={"host": str(place.host.pk), "volume": str(place.volume.pk)},
    )


def wait(item: Item, reason: str, retry_at: datetime.datetime | None = None) -> None:
    """Has an item wait for a host, saying why."""
    changed = (
        type(item)
        .objects.filter(pk=item.pk, status__in=WAITING)
        .exclude(status=ItemStatus.WAITING_FOR_HOST, waiting_for=reason, retry_at=retry_at)
        .update(status=ItemStatus.WAITING_FOR_HOST, waiting_for=reason, retry_at=retry_at)
    )
    if changed:
        nudge(item)


def ended(operation: Operation) -> None:
    """What an inspection that didn't end well means for its item: it waits, and is tried again."""
    if operation.status == Status.SUCCEEDED:
        return
    item = (
        item_model(operation.target_kind)
        .objects.filter(pk=operation.target_id, status__in=WAITING)
        .first()
    )
    if item is None:
        return
    item.failures += 1
    type(item).objects.filter(pk=item.pk).update(failures=item.failures)
    error = operation.error or {}
    reason = error.get("host_message") or error.get("message") or "The inspection didn’t end."
    wait(item, reason, timezone.now() + pause(item.failures))


def let_go(item: Item) -> None:
    """Has the rest of an inspection stop where the item itself is judged: what still is looked for
    then is only which others it fits, for which nobody waits who deletes it."""
    if item.status not in WAITING:
        operations.let_go(INSPECT, item.noun, item.pk)


def pause(failures: int) -> datetime.timedelta:
    """How long to leave hosts alone after so many failures in a row."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(10, max(0, failures - 1)))


@transaction.atomic
def again(*, actor: User, item: Item) -> Operation:
    """Asks a host once more about an item that it refused or knows already.

    Raises OperationActive while one looks, StateForbids while no host is up.
    """
    type(item).objects.filter(pk=item.pk).update(
        status=ItemStatus.INSPECTING, problems=[], failures=0, retry_at=None
    )
    item.refresh_from_db()
    asked = ask(item, actor=actor)
    if asked is None:
        raise StateForbids(NOBODY)
    return asked


def sweep() -> None:
    """Asks for whatever waits and may be tried again. Without a host a round changes nothing."""
    now = timezone.now()
    due = Q(retry_at=None) | Q(retry_at__lte=now)
    for model in (TemplateDisk, ShieldingData):
        for item in model.objects.filter(due, status__in=WAITING).order_by("created_at")[:BATCH]:
            if not _is_under_way(item.noun, item.pk):
                _ask_quietly(lambda item=item: ask(item, actor=_actor_of(item)))
    for pair in Pair.objects.filter(due, applicable=None).order_by("created_at")[:BATCH]:
        if not _is_under_way("pair", pair.pk):
            _ask_quietly(lambda pair=pair: ask_pair(pair))


def _is_under_way(noun: str, key: Any) -> bool:
    return Operation.objects.filter(
        target_kind=noun, target_id=str(key), status__in=ACTIVE
    ).exists()


def _ask_quietly(ask_for: Any) -> None:
    try:
        ask_for()
    except OperationActive:
        return  # another sweep was quicker


def _actor_of(item: Item) -> User | None:
    upload = getattr(item.file, "upload", None)
    return upload.actor if upload is not None else None


@transaction.atomic
def ask_pair(pair: Pair) -> Operation | None:
    """Queues the question whether a pair fits, if a host is there to answer it."""
    if hosts.choose(size_bytes=pair.template_disk.size_bytes, attempt=pair.failures) is None:
        return None
    return operations.request(
        actor=None,
        kind=CHECK_PAIR,
        target_kind=pair.noun,
        target_id=pair.pk,
        target_name=pair.name,
        title=f"Check {pair.name}",
        tenant=pair.tenant,
        audit=False,
    )


def pair_ended(operation: Operation) -> None:
    """A pair that couldn't be checked is checked again, later each time."""
    if operation.status == Status.SUCCEEDED:
        return
    pair = Pair.objects.filter(pk=operation.target_id, applicable=None).first()
    if pair is not None:
        failures = pair.failures + 1
        reason = (operation.error or {}).get("message") or ""
        Pair.objects.filter(pk=pair.pk).update(
            failures=failures, retry_at=timezone.now() + pause(failures), reason_message=reason
        )


def nudge(item: Item | Pair) -> None:
    nudges.publish("library", item.pk, item.tenant_id, kind=item.noun)

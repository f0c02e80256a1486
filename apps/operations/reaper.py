"""Ends or hands on what a lost worker left, and sends again what the broker lost."""

import datetime
import logging

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from redis import RedisError

from apps.common.redis import client
from apps.operations import events, execution, nudges, runners, sending, steps
from apps.operations.choices import EventKind, Status
from apps.operations.models import Operation

STALE = datetime.timedelta(seconds=30)
UNSENT = datetime.timedelta(seconds=20)
#: A message that waits behind others isn't lost; after this it is sent again all the same.
LONG_UNSENT = datetime.timedelta(minutes=5)
ATTEMPTS = 3
BATCH = 500
logger = logging.getLogger(__name__)


def reap() -> None:
    """One round: operations without a heartbeat, then operations that no worker has heard of."""
    now = timezone.now()
    lost = Operation.objects.filter(status=Status.RUNNING).filter(
        Q(heartbeat_at__lt=now - STALE) | Q(heartbeat_at=None)
    )
    for operation in lost.select_related("actor", "tenant")[:BATCH]:
        _take_from_lost_worker(operation)
    for operation_id in _unheard(now):
        sending.send(operation_id)


def _take_from_lost_worker(operation: Operation) -> None:
    runner = runners.find(operation.kind)
    again = runner is not None and runner.resumable and operation.attempt < ATTEMPTS
    if again:
        _requeue(operation)
    else:
        _end_as_lost(operation)


def _same(operation: Operation) -> Q:
    """The row as it was read: a worker that still lives has moved its heartbeat on."""
    return Q(
        pk=operation.pk,
        status=Status.RUNNING,
        worker=operation.worker,
        heartbeat_at=operation.heartbeat_at,
    )


@transaction.atomic
def _requeue(operation: Operation) -> None:
    queued = Operation.objects.filter(_same(operation)).update(
        status=Status.QUEUED, worker="", sent_at=None
    )
    if not queued:
        return
    logger.warning("Operation %s lost its worker; another one takes it up.", operation.pk)
    events.add(operation.pk, EventKind.STATUS, "Its worker was lost; another one takes it up")
    nudges.about(operation)
    transaction.on_commit(lambda: sending.send(operation.pk), robust=True)


@transaction.atomic
def _end_as_lost(operation: Operation) -> None:
    same = _same(operation)
    operation.status, operation.ended_at = Status.ERRORED, timezone.now()
    operation.error = {
        "code": "worker-lost",
        "message": "The worker that did this stopped in the middle. How much was done isn’t known.",
        "hint": "Refresh the cluster to see what is there, then retry.",
        "host_message": "",
    }
    steps.close(operation)
    ended = Operation.objects.filter(same).update(
        status=operation.status,
        ended_at=operation.ended_at,
        error=operation.error,
        steps=operation.steps,
    )
    if ended:
        execution.announce_end(operation, runners.find(operation.kind))


def _unheard(now: datetime.datetime) -> list[object]:
    """Queued operations whose message never went out, or went out and is in no queue any more."""
    waiting = Operation.objects.filter(status=Status.QUEUED)
    due = Q(sent_at=None, created_at__lt=now - UNSENT) | Q(sent_at__lt=now - LONG_UNSENT)
    due |= Q(sent_at=None, attempt__gt=0)
    if _queue_is_empty():
        due |= Q(sent_at__lt=now - UNSENT)
    return list(waiting.filter(due).order_by("created_at").values_list("pk", flat=True)[:BATCH])


def _queue_is_empty() -> bool:
    try:
        return client().llen("operations") == 0
    except RedisError:
        return False

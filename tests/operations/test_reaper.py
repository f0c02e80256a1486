import datetime

import pytest
from django.utils import timezone

from apps.common.redis import client
from apps.operations import execution, reaper
from apps.operations.choices import Status
from apps.operations.models import Operation
from tests.operations.conftest import request

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = datetime.timedelta(minutes=2)


def lost(operation: Operation, attempt: int = 1) -> Operation:
    """The row as a worker leaves it that is killed in the middle."""
    Operation.objects.filter(pk=operation.pk).update(
        status=Status.RUNNING,
        worker="gone:1:x",
        attempt=attempt,
        heartbeat_at=timezone.now() - LONG_AGO,
    )
    client().delete("operations")
    return operation


def test_resumable_work_of_a_lost_worker_is_queued_and_sent_again(work):
    work(lambda ctx: {"attempt": ctx.operation.attempt})
    operation = lost(request())

    reaper.reap()

    operation.refresh_from_db()
    assert operation.status == Status.QUEUED
    assert client().llen("operations") == 1
    execution.execute(operation.pk)
    operation.refresh_from_db()
    assert operation.result == {"attempt": 2}


@pytest.mark.parametrize(("resumable", "attempt"), [(False, 1), (True, 3)])
def test_work_that_cannot_be_resumed_ends_saying_that_its_worker_was_lost(work, resumable, attempt):
    work(lambda ctx: None, resumable=resumable)
    operation = lost(request(), attempt)

    reaper.reap()

    operation.refresh_from_db()
    assert (operation.status, operation.error["code"]) == (Status.ERRORED, "worker-lost")


def test_work_with_a_heartbeat_is_left_alone(work):
    work(lambda ctx: None)
    operation = lost(request())
    Operation.objects.filter(pk=operation.pk).update(heartbeat_at=timezone.now())

    reaper.reap()

    operation.refresh_from_db()
    assert operation.status == Status.RUNNING


def test_what_the_broker_lost_is_sent_again_and_what_waits_in_it_is_not(work):
    work(lambda ctx: None)
    operation = request()
    Operation.objects.filter(pk=operation.pk).update(sent_at=timezone.now() - LONG_AGO)

    reaper.reap()
    assert client().llen("operations") == 1

    client().flushdb()
    reaper.reap()
    assert client().llen("operations") == 1

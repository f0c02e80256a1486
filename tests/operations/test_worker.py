"""A real worker process on a real broker; killed in the middle."""

import datetime
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db.models import F
from django.utils import timezone

from apps.common.redis import client
from apps.operations import reaper, services
from apps.operations.choices import Status
from apps.operations.models import Operation
from tests.operations import kinds
from tests.operations.conftest import request
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 40


@pytest.fixture
def start_worker(settings) -> Iterator[Callable[[], subprocess.Popen]]:
    started: list[subprocess.Popen] = []
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.operations.worker_settings",
        "TEST_RUN_DATABASE": str(settings.DATABASES["default"]["NAME"]),
    }

    def start() -> subprocess.Popen:
        command = [sys.executable, "-m", "celery", "-A", "tests.operations.kinds", "worker"]
        options = ["-Q", "operations", "-c", "1", "--without-gossip", "--without-mingle"]
        worker = subprocess.Popen(
            [*command, *options, "-l", "error"],
            env=environment,
            cwd=settings.BASE_DIR,
            start_new_session=True,
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        _kill(worker)


def _kill(worker: subprocess.Popen) -> None:
    """The worker and its children, as a power cut would."""
    if worker.poll() is None:
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def _silence(operation: Operation) -> None:
    """Lets as much time pass for the row as a reaper waits for."""
    Operation.objects.filter(pk=operation.pk).update(
        heartbeat_at=F("heartbeat_at") - datetime.timedelta(minutes=1)
    )


def _in_the_middle(folder: Path, attempt: int) -> None:
    wait_for((folder / f"waiting-{attempt}").exists, "the worker in the middle", SECONDS)


def _ended(operation: Operation) -> bool:
    operation.refresh_from_db()
    return not operation.active


def test_work_of_a_killed_worker_is_resumed_by_the_next_and_not_done_twice(start_worker, tmp_path):
    operation = request(kind=kinds.KIND, parameters={"folder": str(tmp_path)})
    worker = start_worker()
    _in_the_middle(tmp_path, 1)
    _kill(worker)
    _silence(operation)

    reaper.reap()
    start_worker()
    _in_the_middle(tmp_path, 2)
    (tmp_path / "go").touch()

    wait_for(lambda: _ended(operation), "the end", SECONDS)
    assert (operation.status, operation.result["attempt"]) == (Status.SUCCEEDED, 2)
    assert (tmp_path / "made").exists()


def test_work_that_cannot_be_resumed_ends_as_lost_with_its_worker(start_worker, tmp_path):
    operation = request(kind=kinds.ONCE, parameters={"folder": str(tmp_path)})
    worker = start_worker()
    _in_the_middle(tmp_path, 1)
    _kill(worker)
    _silence(operation)

    reaper.reap()

    operation.refresh_from_db()
    assert (operation.status, operation.error["code"]) == (Status.ERRORED, "worker-lost")
    assert [step["status"] for step in operation.steps] == ["succeeded", "failed"]


def test_work_queued_while_the_broker_lost_everything_is_done_all_the_same(start_worker, tmp_path):
    (tmp_path / "go").touch()
    operation = request(kind=kinds.KIND, parameters={"folder": str(tmp_path)})
    client().flushall()
    long_ago = timezone.now() - datetime.timedelta(minutes=1)
    Operation.objects.filter(pk=operation.pk).update(sent_at=long_ago)
    start_worker()

    reaper.reap()

    wait_for(lambda: _ended(operation), "the end", SECONDS)
    assert operation.status == Status.SUCCEEDED


def test_a_cancel_reaches_the_worker_that_has_the_work(start_worker, tmp_path, admin):
    operation = request(kind=kinds.KIND, parameters={"folder": str(tmp_path)}, actor=admin)
    start_worker()
    _in_the_middle(tmp_path, 1)

    services.cancel(actor=admin, operation=operation)

    wait_for(lambda: _ended(operation), "the end", SECONDS)
    assert operation.status == Status.CANCELLED

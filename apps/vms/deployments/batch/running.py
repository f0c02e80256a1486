"""deployment.batch: follows its machines, each an operation of its own, until the last has ended.

While it waits, a thread of it works off what is queued of them. So a batch goes on even where
batches hold every other thread of the workers.
"""

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connections

from apps.common.time import iso
from apps.operations import execution
from apps.operations import services as operations
from apps.operations.choices import Status, StepStatus
from apps.operations.context import Context
from apps.operations.errors import Cancelled, OperationFailed
from apps.operations.models import Operation
from apps.operations.runners import Runner
from apps.operations.steps import new_step
from apps.vms.deployments import services as single
from apps.vms.deployments.batch import services
from apps.vms.deployments.models import Deployment

#: How often the machines are looked at, and how often their progress is written (seconds).
LOOK_EVERY, SAY_EVERY = 0.5, 2.0
STEPS = {
    Status.QUEUED: StepStatus.PENDING,
    Status.RUNNING: StepStatus.RUNNING,
    Status.SUCCEEDED: StepStatus.SUCCEEDED,
    Status.CANCELLED: StepStatus.CANCELLED,
}
logger = logging.getLogger(__name__)


def _run(ctx: Context) -> dict[str, Any]:
    ids = ctx.parameters["deployments"]
    cancelled, said, said_at = False, "", 0.0
    with _working_along(ids) as over:
        while True:
            rows = _rows(ids)
            words = _words(rows)
            if words != said or time.monotonic() - said_at > SAY_EVERY:
                ctx.follow([_step(row) for row in rows], words if words != said else "")
                said, said_at = words, time.monotonic()
            if not any(row.operation and row.operation.active for row in rows):
                break
            cancelled = cancelled or ctx.should_stop()
            if cancelled:
                _stop_queued(rows)
            over.wait(LOOK_EVERY)
    return _end(ctx, rows, cancelled)


def _rows(ids: Sequence[str]) -> list[Deployment]:
    found = Deployment.objects.filter(pk__in=ids).select_related("operation")
    return list(found.order_by("batch_number"))


def _step(row: Deployment) -> dict[str, Any]:
    operation = row.operation
    step = new_step(row.name)
    if operation is None:
        return step | {"status": StepStatus.FAILED, "message": "Its record is gone."}
    current = operation.current_step
    error = operation.error or {}
    return step | {
        "status": STEPS.get(Status(operation.status), StepStatus.FAILED),
        "progress": operation.progress,
        "message": error.get("message") or (current["name"] if current else ""),
        "started_at": _moment(operation.started_at),
        "ended_at": _moment(operation.ended_at),
    }


def _moment(at: Any) -> str | None:
    return iso(at) if at is not None else None


def _words(rows: Sequence[Deployment]) -> str:
    ended = sum(1 for row in rows if row.operation is None or not row.operation.active)
    return f"{ended} of {len(rows)} have ended"


def _stop_queued(rows: Sequence[Deployment]) -> None:
    for row in rows:
        if row.operation is not None and row.operation.status == Status.QUEUED:
            operations.stop_queued(row.operation)


def _end(ctx: Context, rows: Sequence[Deployment], cancelled: bool) -> dict[str, Any]:
    counts = Counter(row.lasting_status for row in rows)
    ctx.remember(counts=dict(counts))
    bad = [row.name for row in rows if row.lasting_status != Status.SUCCEEDED]
    if not bad:
        return {"counts": dict(counts)}
    if cancelled:
        raise Cancelled
    named = ", ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
    raise OperationFailed(
        "batch-incomplete",
        f"{len(bad)} of {len(rows)} weren’t made: {named}.",
        hint="Each one’s own page says why. A retry does those again and no others.",
    )


@contextlib.contextmanager
def _working_along(ids: Sequence[str]) -> Iterator[threading.Event]:
    over = threading.Event()
    thread = threading.Thread(target=_work_along, args=(ids, over), name="batch-along", daemon=True)
    thread.start()
    try:
        yield over
    finally:
        over.set()
        thread.join(timeout=1)


def _work_along(ids: Sequence[str], over: threading.Event) -> None:
    waiting = Operation.objects.filter(
        kind=single.KIND, target_id__in=ids, status=Status.QUEUED
    ).order_by("created_at")
    try:
        while not over.is_set():
            try:
                found = waiting.values_list("pk", flat=True).first()
                if found is not None:
                    execution.execute(found)
                    continue
            except Exception:
                # Another worker may do what this thread can't; the batch itself goes on.
                logger.exception("A machine of a batch couldn't be worked on.")
            over.wait(LOOK_EVERY)
    finally:
        connections.close_all()


def _after(operation: Operation) -> None:
    """One that was cancelled before it began takes its machines with it."""
    if operation.status == Status.CANCELLED:
        _stop_queued(_rows(operation.parameters["deployments"]))


BATCH = Runner(
    kind=services.KIND,
    steps=(),
    run=_run,
    resumable=True,
    after=_after,
    again=services.again,
    permission=("deployment", "deploy"),
)

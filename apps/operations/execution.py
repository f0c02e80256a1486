"""The life of an operation in a worker: claim, run, end. Nothing ends without a word about how."""

import logging
import os
import socket
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.operations import events, heartbeat, nudges, runners, services, steps
from apps.operations.choices import EventKind, Status
from apps.operations.context import Context
from apps.operations.errors import Cancelled, OperationFailed, Superseded
from apps.operations.models import Operation
from apps.operations.runners import Runner
from apps.remoting.errors import RemotingError, ScriptRefused, Stopped

logger = logging.getLogger(__name__)
HINTS = {
    "timed-out": "The host took too long. See whether it answers at all, then retry.",
}
DEFAULT_HINT = "See whether the host answers (its page says when it last did), then retry."


@dataclass(frozen=True)
class End:
    """How an operation ended."""

    status: Status
    error: dict[str, Any] | None = None
    result: dict[str, Any] | None = None


#: What an end is until the work has said otherwise.
UNTOLD = End(
    Status.ERRORED,
    {
        "code": "internal",
        "message": "The portal met a fault of its own. It is in the worker’s log.",
        "hint": "Retry; if it stays, tell who runs the portal.",
        "host_message": "",
    },
)


def execute(operation_id: Any) -> None:
    """Does a queued operation, if nobody else took it first."""
    operation = _claim(operation_id)
    if operation is None:
        return
    runner = runners.find(operation.kind)
    with heartbeat.beating(operation):
        try:
            end = _run(operation, runner)
        except Superseded:
            logger.warning("Operation %s was given to another worker meanwhile.", operation.pk)
            return
        except (SystemExit, KeyboardInterrupt):
            _hand_back(operation, runner)
            raise
    _finish(operation, runner, end)


def _claim(operation_id: Any) -> Operation | None:
    """The operation, if this call is the one that turned it from queued to running."""
    now = timezone.now()
    worker = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    with transaction.atomic():
        if not Operation.objects.filter(pk=operation_id, status=Status.QUEUED).update(
            status=Status.RUNNING,
            worker=worker,
            attempt=F("attempt") + 1,
            started_at=Coalesce(F("started_at"), now),
            heartbeat_at=now,
        ):
            return None
        operation = Operation.objects.select_related("actor", "tenant").get(pk=operation_id)
        message = "Running" if operation.attempt == 1 else "Taken up again"
        events.add(operation.pk, EventKind.STATUS, message)
        nudges.about(operation)
    return operation


def _run(operation: Operation, runner: Runner | None) -> End:
    """Runs the work and says how it went; only what isn't about the work is raised."""
    end = UNTOLD
    try:
        if runner is None:
            raise OperationFailed(
                "unknown-kind", f"No runner does {operation.kind}.", "The portal is older than it."
            )
        end = End(Status.SUCCEEDED, result=runner.run(Context(operation)))
    except (Cancelled, Stopped):
        end = End(Status.CANCELLED, services.cancelled_error("Somebody asked to cancel it."))
    except OperationFailed as failed:
        end = End(Status.FAILED, failed.as_dict())
    except ScriptRefused as refused:
        end = End(Status.FAILED, _remote_error(refused))
    except RemotingError as error:
        end = End(Status.ERRORED, _remote_error(error))
    except Superseded:
        raise
    except Exception:
        logger.exception("Operation %s (%s) met a fault.", operation.pk, operation.kind)
    return end


def _remote_error(error: RemotingError) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": str(error),
        "hint": error.hint or HINTS.get(error.code, DEFAULT_HINT),
        "host_message": error.host_message,
    }


def _finish(operation: Operation, runner: Runner | None, end: End) -> None:
    """Everything that the end changes, in one transaction; nothing if the row isn't ours."""
    operation.status, operation.error = end.status, end.error
    if end.result:
        operation.result = {**(operation.result or {}), **end.result}
    operation.progress = 100 if end.status == Status.SUCCEEDED else operation.progress
    steps.close(operation)
    with transaction.atomic():
        operation.ended_at = timezone.now()
        mine = Operation.objects.filter(
            pk=operation.pk, status=Status.RUNNING, worker=operation.worker
        )
        if not mine.update(
            status=operation.status,
            error=operation.error,
            result=operation.result,
            steps=operation.steps,
            progress=operation.progress,
            ended_at=operation.ended_at,
        ):
            logger.warning("Operation %s was ended by somebody else.", operation.pk)
            return
        announce_end(operation, runner)


def announce_end(operation: Operation, runner: Runner | None) -> None:
    """The last event, the audit entry, the nudge, and the domain's own part. In the ending
    transaction; a fault in the domain's part must not keep the operation from ending."""
    _follow_up(operation, runner)
    events.add(operation.pk, EventKind.STATUS, operation.get_status_display())
    detail = {"error": operation.error["code"]} if operation.error else {}
    services.tell(operation, operation.status, detail)


def _follow_up(operation: Operation, runner: Runner | None) -> None:
    """Before the log is told: whoever writes to it holds its head, and takes no lock after that."""
    if runner is None or runner.after is None:
        return
    try:
        with transaction.atomic():
            runner.after(operation)
    except Exception:
        logger.exception("What follows operation %s (%s) failed.", operation.pk, operation.kind)


def _hand_back(operation: Operation, runner: Runner | None) -> None:
    """This worker is told to go at once: another one takes up what can be taken up."""
    if runner is None or not runner.resumable:
        return  # the reaper says honestly that it was lost
    Operation.objects.filter(
        pk=operation.pk, status=Status.RUNNING, worker=operation.worker
    ).update(status=Status.QUEUED, worker="", sent_at=None)

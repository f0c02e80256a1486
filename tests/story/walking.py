"""One kind of operation, killed at one point and taken up again; what came of it is judged."""

from __future__ import annotations

import datetime
import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F

from apps.attestation import services as attestation
from apps.audit.models import AuditEntry
from apps.common.errors import PortalError
from apps.common.redis import client
from apps.fabric import services as fabric
from apps.operations import reaper, services
from apps.operations.choices import ENDED
from apps.operations.models import Operation
from apps.vms import services as vms
from apps.vms.models import VirtualMachine
from tests.stage import Stage, execute
from tests.story import points, scene
from tests.story.cases import Case
from tests.story.forking import Forks
from tests.story.points import Point

SECONDS = 30
POLLS = ("Get-HostJob",)
#: As long as a reaper waits for a heartbeat, and its own round.
AWAY = datetime.timedelta(seconds=45)


@dataclass
class Walk:
    """How an operation goes where nothing befalls it: what it does in turn, and what is so then."""

    case: Case
    steps: list[list[Any]]
    after: dict[str, Any]
    done: Counter[str]
    log: list[str]


@dataclass
class Found:
    """What was wrong after a kill; nothing where `faults` is empty."""

    point: Point
    faults: list[str] = field(default_factory=list)
    attempts: int = 0


def watch(stage: Stage, forks: Forks, case: Case) -> Walk:
    """Lets a worker do the operation from beginning to end."""
    operation = _asked(stage, case)
    forks.begin(operation)
    assert not forks.ended()
    _others(stage)
    operation.refresh_from_db()
    assert operation.status == "succeeded", (case.label, operation.error)
    done = scene.done(stage)
    stage.read()
    return Walk(case, forks.steps(), scene.of(stage), done, _log(operation))


def kill(stage: Stage, forks: Forks, walk: Walk, point: Point) -> Found:
    """Kills the worker there; another one comes to its end. Then everything is looked at."""
    found = Found(point)
    operation = _asked(stage, walk.case)
    if _killed(stage, forks, operation, point):
        pass_time()
        if point.where in points.DONE_THERE:
            stage.read()  # an observer sees what the host did before the next worker does
        reaper.reap()
    _others(stage)
    operation.refresh_from_db()
    found.attempts = operation.attempt
    found.faults += _of_the_end(operation, walk)
    found.faults += _of_what_was_done(stage, walk)
    stage.read()
    found.faults += scene.differences(walk.after, scene.of(stage)) + scene.believed(stage)
    found.faults += _of_the_next(stage, operation)
    return found


def _asked(stage: Stage, case: Case) -> Operation:
    client().flushdb()
    stage.begin()
    operation = case.ask(stage)
    stage.world.cmdlet_calls.clear()
    return operation


def _killed(stage: Stage, forks: Forks, operation: Operation, point: Point) -> bool:
    """Has a worker begin the operation, and kills it. False where it ended before that."""
    if point.where in points.OWN:
        forks.begin(operation, (points.OWN[point.where], point.number))
        return forks.ended()
    holds = stage.world.holds
    hold = holds.set(point.script, point.nth, points.STANDING[point.where])
    worker = forks.begin(operation)
    if not holds.wait(hold, ("held",), SECONDS):
        # a job is looked at as often as it takes: this time it was over before
        assert point.script in POLLS and point.nth > 1, f"{point}: never came there"
        holds.release(point.script)
        return forks.ended()
    os.kill(worker, signal.SIGKILL)
    assert forks.ended()
    holds.release(point.script, "drop" if point.where in points.GIVEN_UP else "go")
    assert holds.wait(hold, ("over",), SECONDS), f"{point}: the host didn’t go on"
    return True


def pass_time(by: datetime.timedelta = AWAY) -> None:
    """Lets time pass for what a dead process held: heartbeats, and leases in Redis."""
    Operation.objects.filter(status="running").update(heartbeat_at=F("heartbeat_at") - by)
    milliseconds = int(by.total_seconds() * 1000)
    for key in client().scan_iter("*"):
        left = int(client().pttl(key))  # type: ignore[arg-type]
        if left > milliseconds:
            client().pexpire(key, left - milliseconds)
        elif left >= 0:
            client().delete(key)


def _others(stage: Stage) -> None:
    """What a worker finds in the queue, in turn; a queue that doesn't empty is a fault."""
    for _ in range(10):
        waiting = Operation.objects.filter(status="queued").order_by("created_at").first()
        if waiting is None:
            return
        execute(waiting)
    raise AssertionError("the queue doesn’t empty")


def _of_the_end(operation: Operation, walk: Walk) -> list[str]:
    faults = []
    if operation.status != "succeeded":
        faults.append(f"it ended {operation.status}: {operation.error}")
    if any(step["status"] not in ("succeeded", "skipped") for step in operation.steps):
        faults.append(f"its steps: {[(s['name'], s['status']) for s in operation.steps]}")
    if (log := _log(operation)) != walk.log:
        faults.append(f"the log says {log}")
    return faults


def _log(operation: Operation) -> list[str]:
    """What the log says of how it ended."""
    rows = AuditEntry.objects.filter(
        action=operation.kind, target_id=operation.target_id, outcome__in=ENDED
    )
    return [row.outcome for row in rows if row.detail.get("operation") == str(operation.pk)]


def _of_what_was_done(stage: Stage, walk: Walk) -> list[str]:
    done = scene.done(stage)
    return [
        f"{name} was done {done[name]} times instead of {walk.done[name]}"
        for name in sorted(done | walk.done)
        if done[name] != walk.done[name] and name not in walk.case.repeats
    ]


def _of_the_next(stage: Stage, operation: Operation) -> list[str]:
    """Nothing that a dead worker held keeps the next one away."""
    faults = []
    if running := Operation.objects.filter(status__in=("queued", "running")):
        faults.append(f"still under way: {[one.title for one in running]}")
    try:
        services.require_none_active(operation.target_kind, operation.target_id)
        following = execute(_following(stage, operation))
    except PortalError as refused:
        return [*faults, f"the next one is refused: {refused}"]
    if following.status != "succeeded":
        faults.append(f"the next one, {following.kind}, ended {following.error}")
    return faults


def _following(stage: Stage, operation: Operation) -> Operation:
    """The next operation on the same thing, or near it."""
    if operation.target_kind == "vm":
        vm = VirtualMachine.objects.filter(pk=operation.target_id).first()
        if vm is not None:
            return vms.read_detail(actor=stage.admin, vm=vm)
    if operation.target_kind == "host":
        return attestation.diagnose_host(actor=stage.admin, host=stage.host())
    return fabric.refresh_cluster(actor=stage.admin, cluster=stage.cluster)

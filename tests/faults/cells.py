"""One cell of the matrix: a kind of operation meets a fault, and what came of it is judged."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.common.errors import PortalError
from apps.library import inspection
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.remoting import scripts
from apps.remoting.pool import POOL
from tests.faults.catalogue import (
    FAULTS,
    INCOMPLETE,
    JOB_LOST,
    OK,
    REFUSED,
    SHAPE,
    TIMED_OUT,
    UNREACHABLE,
    Fault,
)
from tests.faults.patience import Patience
from tests.faults.readings import READINGS, SAID, Reading
from tests.recipes import RECIPES, SECRET, Recipe
from tests.stage import NODES, PASSWORD, Stage, execute

READS = {script.name: script.is_reading for script in scripts.catalogue()}
#: What a row of an operation may hold, whatever a host has answered.
MOST_BYTES = 256 * 1024
ENDED = ("succeeded", "failed", "errored")
#: How often a job is asked for within the patience that tests have.
MOST_ASKED = 7


@dataclass(frozen=True)
class Cell:
    row: Recipe | Reading
    fault: Fault
    script: str = ""  # where the fault is one of a script

    @property
    def name(self) -> str:
        where = f" in {self.script}" if self.script else ""
        return f"{self.row.label}: {self.fault.name}{where}"

    @property
    def line(self) -> str:
        """What it is in the table: the row, with the script that is struck."""
        return f"{self.row.label} | {self.script}" if self.script else self.row.label

    @property
    def allowed(self) -> frozenset[str]:
        """How it may end."""
        if isinstance(self.row, Reading):
            return _allowed_reading(self.row, self.fault)
        return _allowed_operation(self.row, self.fault, self.script)


def _allowed_operation(recipe: Recipe, fault: Fault, script: str) -> frozenset[str]:
    if not recipe.scripts:
        return frozenset(fault.guardian)
    codes = frozenset((recipe.ends,)) if recipe.ends else frozenset(fault.codes)
    unread = fault.name == SHAPE and script in recipe.unread
    struck = script or recipe.scripts[0]
    if struck in recipe.jobs:
        return _allowed_job(fault, codes)
    if recipe.waits and struck != recipe.scripts[0] and codes == {UNREACHABLE} and fault.is_once:
        return frozenset({OK})
    if struck == recipe.verdict and REFUSED in codes:
        return frozenset({OK}) if codes == {REFUSED} else codes | {OK}
    if fault.passes == "maybe" or struck in recipe.spared or unread:
        return codes | {OK}
    passes = fault.passes == "always" or (fault.passes == "reading" and READS[struck])
    return frozenset({OK}) if passes else codes


def _allowed_job(fault: Fault, codes: frozenset[str]) -> frozenset[str]:
    """Of what runs as a job on the host: a lost process or answer is asked for again."""
    if fault.heavy and codes:
        return frozenset({JOB_LOST})
    if fault.passes == "maybe":
        return codes | {OK}
    return frozenset({OK}) if fault.is_once or not codes else codes


def _allowed_reading(reading: Reading, fault: Fault) -> frozenset[str]:
    if fault.passes == "always":
        return frozenset({OK})
    if fault.passes == "maybe" or reading.probes:
        return frozenset({OK, SAID})
    return frozenset({OK if fault.passes == "reading" else SAID})


@dataclass
class Judgement:
    """`end` is OK or the error's code; `faults` are sentences about what is not as it should be."""

    cell: Cell
    end: str = ""
    message: str = ""
    faults: list[str] = field(default_factory=list)


def cells_of(row: Recipe | Reading, fault: Fault) -> Iterator[Cell]:
    """A wire's fault makes one cell, a script's one for each script; none where it can't happen."""
    if not row.scripts:
        if fault.guardian and isinstance(row, Recipe) and row.guardian:
            yield Cell(row, fault)
    elif fault.script is None:
        yield Cell(row, fault)
    else:
        is_first_only = fault.heavy or (isinstance(row, Recipe) and row.ends)
        for script in row.scripts[:1] if is_first_only else row.scripts:
            yield Cell(row, fault, script)


@functools.cache
def all_cells() -> tuple[Cell, ...]:
    return tuple(
        cell for row in (*RECIPES, *READINGS) for fault in FAULTS for cell in cells_of(row, fault)
    )


def judge(stage: Stage, patience: Patience, cell: Cell) -> Judgement:
    """Runs a cell from a stage that is set back, and again once the fault is gone."""
    found = Judgement(cell)
    stage.begin()
    asked_at = timezone.now()
    with _listening() as log:
        if isinstance(cell.row, Reading):
            _spoil(stage, cell)
            _lose(patience, cell)
            found.end = cell.row.read(stage)
            patience.end()
            _judge_reading(stage, found, log)
        else:
            operation = cell.row.ask(stage)
            stage.world.cmdlet_calls.clear()
            _spoil(stage, cell)
            _lose(patience, cell)
            execute(operation)
            patience.end()
            _judge_operation(stage, found, cell.row, operation)
            _judge_secrets(found, operation, log)
        if found.end not in cell.allowed:
            found.faults.append(f"it ended {found.end} ({found.message})")
        shells = max(stage.shells().values())
        if shells > settings.FABRIC_HOST_SESSIONS:
            found.faults.append(f"a host holds {shells} shells")
        stage.mend()
        _judge_next(stage, found, asked_at)
        if not isinstance(cell.row, Reading):
            _judge_retry(stage, found, cell.row, operation)
        _judge_leaks(stage, found)
    return found


def _judge_reading(stage: Stage, found: Judgement, log: list[str]) -> None:
    rows = [stage.cluster, *map(stage.host, NODES), stage.vm]
    told = json.dumps([[row.problem for row in rows], log])
    if PASSWORD in told:
        found.faults.append("the password shows")


def _judge_operation(stage: Stage, found: Judgement, recipe: Recipe, operation: Operation) -> None:
    _judge_end(found, operation)
    done = stage.world.cmdlet_calls[recipe.effect]
    if done > 1:
        found.faults.append(f"{recipe.effect} was done {done} times")


def _lose(patience: Patience, cell: Cell) -> None:
    """Cuts waiting short where a fault makes it long."""
    if cell.fault.codes[:1] == (TIMED_OUT,):
        patience.begin(cell.script)


def _spoil(stage: Stage, cell: Cell) -> None:
    fault = cell.fault
    if fault.cold:
        POOL.close()
    if not cell.row.scripts:
        rows = [{**row, "on": ""} for row in fault.wire]
        stage.control("/guardian-services/hgs", {"wire_faults": rows})
        return
    faults = [{**fault.script, "on": cell.script}] if fault.script else []
    stage.spoil(faults=faults, wire_faults=list(fault.wire), clock_seconds=fault.clock)


def _judge_end(found: Judgement, operation: Operation) -> None:
    error = operation.error or {}
    found.end = OK if operation.status == "succeeded" else str(error.get("code"))
    found.message = str(error.get("message", ""))
    if operation.status not in ENDED:
        found.faults.append(f"it is {operation.status}")
    if found.end != OK and not (error.get("message") and error.get("hint")):
        found.faults.append(f"no message or no hint: {error}")
    if (operation.status == "failed") != (found.end in (REFUSED, INCOMPLETE)):
        found.faults.append(f"{operation.status} with {found.end}")
    if any(step["status"] in ("running",) for step in operation.steps):
        found.faults.append("a step still runs")
    kept = len(json.dumps([operation.result, operation.error, operation.steps]))
    if kept > MOST_BYTES:
        found.faults.append(f"{kept} bytes of the answer were kept")


def _judge_next(stage: Stage, found: Judgement, asked_at: Any) -> None:
    """The fault is gone: the next reading tells all."""
    stage.read()
    for name in NODES:
        host = stage.host(name)
        if host.problem or host.observed_at is None or host.observed_at < asked_at:
            found.faults.append(f"{name} isn't read afterwards: {host.problem}")
        if host.observed_at and host.observed_at > timezone.now():
            found.faults.append(f"{name} was observed in the future")


def _judge_retry(stage: Stage, found: Judgement, recipe: Recipe, operation: Operation) -> None:
    """In the end it is as was asked for, by a retry where it didn't succeed at once."""
    gone = operation.kind == "vm.delete" and recipe.reached(stage)
    if found.end == OK and found.cell.script == recipe.verdict and not recipe.reached(stage):
        execute(inspection.again(actor=stage.people.contoso, item=stage.item))
    elif found.end != OK and not gone:
        try:
            actor = operation.actor or stage.admin
            again = execute(operations.retry(actor=actor, operation=operation))
        except PortalError as refused:
            found.faults.append(f"it can't be retried: {refused}")
            return
        if again.status != "succeeded":
            found.faults.append(f"the retry ended {again.status}: {again.error}")
            return
    if not recipe.reached(stage):
        found.faults.append("what was asked for isn't so in the end")


def _judge_leaks(stage: Stage, found: Judgement) -> None:
    """Shells that are left when the portal has given all of its own up."""
    POOL.close()
    left, row = max(stage.shells().values()), found.cell.row
    # a preflight's probe opens one that no pool knows
    probed = isinstance(row, Reading) and row.probes and bool(found.cell.fault.wire)
    if left > _orphans(found.cell) + probed:
        found.faults.append(f"{left} shells are left on a host")
    held = POOL.quota.held()
    if held:
        found.faults.append(f"{held} sessions are still counted")


def _orphans(cell: Cell) -> int:
    """How many shells may be left; each time that a job is asked for again may leave as many."""
    row, fault = cell.row, cell.fault
    asks = isinstance(row, Recipe) and row.scripts[:1] == row.jobs and not fault.is_once
    return fault.orphans * (MOST_ASKED if asks else 1)


def _judge_secrets(found: Judgement, operation: Operation, log: list[str]) -> None:
    rows = Operation.objects.filter(pk=operation.pk).values()
    events = operation.events.values_list("message", flat=True)
    told = json.dumps([list(rows), list(events), log], default=str)
    for secret in (PASSWORD, SECRET, "/content/"):
        if secret in told:
            found.faults.append(f"{secret[:4]}… shows")


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Everything that is logged meanwhile, tracebacks too."""
    lines: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    listener = Listener(logging.WARNING)
    logging.getLogger().addHandler(listener)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(listener)

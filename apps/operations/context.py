"""What a runner holds while it works: steps, progress, scripts, facts to remember, cancel."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps import remoting
from apps.common.time import iso
from apps.operations import events, nudges, redaction, steps
from apps.operations.choices import EventKind, Status, StepStatus
from apps.operations.errors import Cancelled, Superseded
from apps.operations.models import Operation

#: Progress is written, and told to pages, at most this often (seconds) …
WRITE_EVERY = 0.4
#: … and a person's cancel is looked for this often while a script runs.
LOOK_EVERY = 0.5
#: Of a job's transcript the end of each part is kept (characters).
LONGEST_PART = 8192


class Context:
    """One attempt at one operation, by one worker. Each write asks if it is still this one's."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self._step: dict[str, Any] | None = None
        self._written_at = 0.0
        self._looked_at = 0.0

    @property
    def parameters(self) -> dict[str, Any]:
        """What the operation was asked with."""
        return self.operation.parameters

    @property
    def resumed(self) -> bool:
        """Whether an earlier worker began this and was lost."""
        return self.operation.attempt > 1

    def recall(self, name: str, default: Any = None) -> Any:
        """A fact that this attempt or an earlier one remembered."""
        return (self.operation.result or {}).get(name, default)

    def remember(self, **facts: Any) -> None:
        """Keeps facts at once, so that they outlive this worker."""
        self.operation.result = {**(self.operation.result or {}), **facts}
        self._save(result=self.operation.result)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step of the work. Raises Cancelled instead of beginning it when that was asked for."""
        self.check_cancelled()
        self._begin(name)
        try:
            yield
        except Cancelled:
            self._end(name, StepStatus.CANCELLED)
            raise
        except Superseded:
            raise
        except Exception:
            self._end(name, StepStatus.FAILED)
            raise
        self._end(name, StepStatus.SUCCEEDED)

    def skip(self, name: str, message: str = "") -> None:
        """Says that a step isn't needed this time, and why."""
        self._find(name)["message"] = message
        self._end(name, StepStatus.SKIPPED)

    def progress(self, percent: float, message: str = "") -> None:
        """How far the step that runs is: 0 to 100, and what it does just now."""
        percent = max(0, min(100, int(percent)))
        step = self._step
        if step is None:
            self.log(message)
            return
        changed = message != step["message"]
        step["progress"], step["message"] = max(step["progress"], percent), message
        now = time.monotonic()
        if now - self._written_at < WRITE_EVERY and not (changed and percent == 100):
            return
        self._written_at = now
        self._write_steps(EventKind.PROGRESS, message, step["progress"])

    def follow(self, told: list[dict[str, Any]], message: str = "") -> None:
        """Steps as other operations do them: what this one shows where it only follows them.

        Written where they changed; `message`, where there is one, is told as an event.
        """
        if told == self.operation.steps:
            return
        self.operation.steps, self.operation.progress = told, steps.whole(told)
        with transaction.atomic():
            self._save(steps=told, progress=self.operation.progress)
            if message:
                kind, percent = EventKind.PROGRESS, self.operation.progress
                events.add(self.operation.pk, kind, message, progress=percent)
            nudges.about(self.operation)

    def log(self, message: str) -> None:
        """Adds a line that people can read beside the steps."""
        events.add(self.operation.pk, EventKind.LOG, message, step=self._step_name)
        nudges.about(self.operation)

    def transcript(self, text: str) -> None:
        """Adds what a job on a host wrote since it was read last, line by line as it wrote it."""
        if lines := text.strip():
            self.log(lines[-LONGEST_PART:])

    def check_cancelled(self) -> None:
        """Raises Cancelled once somebody asked for it, Superseded once the row isn't ours."""
        if self._asked_to_stop():
            raise Cancelled

    def should_stop(self) -> bool:
        """The same as a question that may be asked very often: it looks twice a second."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_EVERY:
            return False
        return self._asked_to_stop()

    def call(
        self,
        endpoint: Any,
        script: Any,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout: float = 60,
        quiet: float = math.inf,
    ) -> Any:
        """Runs a script on a host and gives its one document.

        Recorded without secrets; its progress lines are the step's; a cancel stops it. What is
        given longer than two minutes says how far it is, and ends `quiet` seconds after it stops.
        """
        self.check_cancelled()
        self.record_script(script, parameters)
        return remoting.call(
            endpoint,
            script,
            dict(parameters or {}),
            timeout=timeout,
            quiet=quiet,
            on_progress=self.on_progress,
            should_stop=self.should_stop,
        )

    def on_progress(self, told: dict[str, Any]) -> None:
        """A progress line as scripts write them: {"progress": 40, "message": "…"}."""
        self.progress(told.get("progress") or 0, str(told.get("message") or ""))

    def record_script(self, script: Any, parameters: Mapping[str, Any] | None) -> None:
        """Shows on the operation which script runs, with which parameters, without secrets."""
        shown = redaction.parameters(dict(parameters or {}))
        self.operation.script = {"name": script.name, "text": script.text, "parameters": shown}
        with transaction.atomic():
            self._save(script=self.operation.script)
            events.add(self.operation.pk, EventKind.SCRIPT, script.name, step=self._step_name)

    @property
    def _step_name(self) -> str:
        return self._step["name"] if self._step else ""

    def _asked_to_stop(self) -> bool:
        self._looked_at = time.monotonic()
        row = self._mine().values_list("cancel_requested", flat=True).first()
        if row is None:
            raise Superseded
        return bool(row)

    def _mine(self) -> Any:
        return Operation.objects.filter(
            pk=self.operation.pk, status=Status.RUNNING, worker=self.operation.worker
        )

    def _save(self, **fields: Any) -> None:
        if not self._mine().update(**fields):
            raise Superseded

    def _find(self, name: str) -> dict[str, Any]:
        for step in self.operation.steps:
            if step["name"] == name:
                return step
        self.operation.steps.append(steps.new_step(name))
        return self.operation.steps[-1]

    def _begin(self, name: str) -> None:
        self._step = step = self._find(name)
        step.update(
            status=StepStatus.RUNNING,
            progress=0,
            message="",
            started_at=iso(timezone.now()),
            ended_at=None,
        )
        self._write_steps(EventKind.STEP, "Started", 0)

    def _end(self, name: str, status: StepStatus) -> None:
        step = self._find(name)
        step["status"] = status
        if status == StepStatus.SUCCEEDED:
            step["progress"] = 100
        step["ended_at"] = iso(timezone.now())
        self._step = step
        self._write_steps(EventKind.STEP, status.label, step["progress"])
        self._step = None

    def _write_steps(self, kind: EventKind, message: str, percent: int) -> None:
        """Steps, progress and the event in one transaction: who saw the event finds the row so."""
        self.operation.progress = max(self.operation.progress, steps.whole(self.operation.steps))
        with transaction.atomic():
            self._save(steps=self.operation.steps, progress=self.operation.progress)
            events.add(self.operation.pk, kind, message, step=self._step_name, progress=percent)
            nudges.about(self.operation)

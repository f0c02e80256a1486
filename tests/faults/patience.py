"""Time-outs cut short: a host that hangs is given seconds, not minutes, before it is given up."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from apps.attestation.guardian import fetching
from apps.operations import jobs
from apps.operations import patience as waiting
from apps.remoting import client, outcome

SECONDS = 3.0


@dataclasses.dataclass
class Patience:
    """`allowed`: what callers would have allowed each script that runs, by its name: the largest
    number of seconds until one that hangs is given up."""

    allowed: dict[str, float] = dataclasses.field(default_factory=dict)
    _script: str | None = None  # None: nobody is given up early; "" everybody

    def begin(self, script: str = "") -> None:
        """From now on a call of the script ("" any) is given up soon."""
        self._script = script

    def end(self) -> None:
        self._script = None

    def left_for(self, job: outcome.Job) -> float:
        return self.left_for_script(job.script.name, min(job.seconds, job.quiet))

    def left_for_script(self, name: str, gives_up: float) -> float:
        self.allowed[name] = max(self.allowed.get(name, 0), gives_up)
        return SECONDS if self._script in ("", name) else math.inf


@contextmanager
def short() -> Iterator[Patience]:
    """Inside, hosts are given up as soon as the patience says."""
    patience = Patience()

    def job(script: object, *rest: object, **more: object) -> outcome.Job:
        made = outcome.Job(script, *rest, **more)  # type: ignore[arg-type]
        until = time.monotonic() + patience.left_for(made)
        return dataclasses.replace(made, until=min(made.until, until))

    def limit(job: jobs._Job) -> float:
        return min(job.seconds, patience.left_for_script(job.script.name, job.seconds))

    with (
        mock.patch.object(client, "Job", job),
        mock.patch.object(fetching, "TIMEOUT", (2, 2)),
        mock.patch.object(jobs._Job, "limit", property(limit)),
        mock.patch.multiple(waiting, SILENCE=SECONDS, BRIEF_SILENCE=SECONDS, AGAIN_LATER=0.5),
    ):
        yield patience

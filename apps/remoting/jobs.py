"""Scripts that go on when the portal does not: processes on the host, found again by id.

A job's folder on the host, `%ProgramData%\\FabricPortal\\jobs\\<id>`, holds its script, its
parameters, its state and its transcript; administrators only. Any worker can read it at any time.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from apps.remoting import scripts
from apps.remoting.client import call
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import BadReply
from apps.remoting.pool import POOL, Pool
from apps.remoting.scripts import Script

JobState = Literal["running", "succeeded", "failed", "gone"]


@dataclass(frozen=True)
class JobStatus:
    """What is known of a job. `gone`: the host has no folder of that id.

    `transcript` holds the whole lines from the asked offset on, 64 kB at most; `next_offset`
    (bytes) is where the next reading goes on. `result` is the script's JSON document once it has
    succeeded, `error` its error record (message, category, error_id, position, type) once failed.
    """

    state: JobState
    percent: int
    message: str
    transcript: str
    next_offset: int
    result: Any = None
    error: Mapping[str, str] | None = None


def start_job(
    endpoint: Endpoint,
    job_id: uuid.UUID | str,
    script: Script,
    parameters: Mapping[str, Any] | None = None,
    offset: int = 0,
    *,
    pool: Pool = POOL,
) -> JobStatus:
    """Starts a script as a job and gives its first state; raises RemotingError.

    Starting an id again starts nothing and gives the state of the job that is there, with its
    transcript from `offset` on: safe to repeat when the answer to the first attempt was lost.
    """
    _run(
        endpoint,
        pool,
        "Start-HostJob",
        job_id,
        RunnerText=scripts.load("remoting", "Invoke-HostJob").text,
        ScriptText=script.text,
        ParametersJson=json.dumps(dict(parameters or {}), ensure_ascii=False),
    )
    return read_job(endpoint, job_id, offset, pool=pool)


def read_job(
    endpoint: Endpoint, job_id: uuid.UUID | str, offset: int = 0, *, pool: Pool = POOL
) -> JobStatus:
    """The state of a job and its transcript from `offset` on; raises RemotingError."""
    answer = _run(endpoint, pool, "Get-HostJob", job_id, Offset=offset)
    try:
        return _status(answer)
    except (KeyError, TypeError, ValueError):
        raise BadReply(
            f"{endpoint.label} gave a job's state that can't be read.",
            hint=f"Look at status.json in the folder of job {job_id} on the host.",
        ) from None


def stop_job(endpoint: Endpoint, job_id: uuid.UUID | str, *, pool: Pool = POOL) -> None:
    """Ends a job's process if it runs; its folder stays. Raises RemotingError."""
    _run(endpoint, pool, "Stop-HostJob", job_id)


def remove_job(endpoint: Endpoint, job_id: uuid.UUID | str, *, pool: Pool = POOL) -> None:
    """Removes a job's folder; ScriptRefused while it runs. Fine for one that is gone."""
    _run(endpoint, pool, "Remove-HostJob", job_id)


def _run(
    endpoint: Endpoint, pool: Pool, name: str, job_id: uuid.UUID | str, **parameters: Any
) -> Any:
    known = {"JobId": str(uuid.UUID(str(job_id))), **parameters}
    return call(endpoint, scripts.load("remoting", name), known, pool=pool)


def _status(answer: Any) -> JobStatus:
    status = answer["status"]
    if status["state"] not in get_args(JobState):
        raise ValueError(status["state"])
    return JobStatus(
        state=status["state"],
        percent=int(status["percent"]),
        message=str(status["message"]),
        transcript=str(answer["transcript"]),
        next_offset=int(answer["next_offset"]),
        result=status["result"],
        error=status["error"],
    )

"""Detached jobs (apps/remoting/scripts/*HostJob.ps1): scripts that outlive their session.

What a job's folder holds on a host is a row in `world.jobs`, saved with the world; its process is a
thread of the lab. A lab that starts anew finds the rows of jobs whose threads are gone, as a host
finds folders of processes that a crash ended.
"""

from __future__ import annotations

import json
import threading
import uuid
import weakref
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from apps.lab import engine
from apps.lab.cmdlets.errors import CmdletError, ScriptCancelled, WireFault
from apps.lab.handlers.common import iso, thrown
from apps.lab.world import World

_MARK = "\ufeff"  # what Start-HostJob's transcript begins with
_CHUNK = 65536
_GONE = {"state": "gone", "percent": 0, "message": "", "result": None, "error": None}
_SHOWN = ("state", "percent", "message", "result", "error")
_PROCESSES: weakref.WeakKeyDictionary[World, dict[str, _Process]] = weakref.WeakKeyDictionary()


@dataclass
class _Process:
    """A job's thread: which row it writes, since which start of its host, how to end it."""

    row: dict[str, Any]
    booted_at: float
    ended: threading.Event = field(default_factory=threading.Event)


def start_host_job(
    ctx: engine.HandlerContext, JobId: str, RunnerText: str, ScriptText: str, ParametersJson: str
) -> dict[str, Any]:
    key = _key(ctx, JobId)
    with ctx.world.locked():
        if key in ctx.world.jobs:
            return {"job_id": _guid(JobId)}
        row = {**_GONE, "state": "running", "transcript": _MARK}
        process = _Process(row, ctx.session.node.booted_at)
        ctx.world.jobs[key] = row
        _PROCESSES.setdefault(ctx.world, {})[key] = process
        ctx.world.changed()
    work = (ctx.world, ctx.host_name, key, process, ScriptText, json.loads(ParametersJson))
    threading.Thread(target=_run, args=work, name=f"lab-job-{JobId}", daemon=True).start()
    return {"job_id": _guid(JobId)}


def get_host_job(ctx: engine.HandlerContext, JobId: str, Offset: int = 0) -> dict[str, Any]:
    key = _key(ctx, JobId)
    with ctx.world.locked():
        row = ctx.world.jobs.get(key)
        if row is None:
            return {"status": dict(_GONE), "transcript": "", "next_offset": 0}
        status = {name: row[name] for name in _SHOWN}
        if row["state"] == "running" and not _is_alive(ctx.world, ctx.host_name, key):
            status = _failed("The process of the job ended without a result.",
                             "ResourceUnavailable", "JobProcessEnded")  # fmt: skip
        whole = row["transcript"].encode()
    begin = min(Offset, len(whole))
    part = whole[begin : begin + _CHUNK]
    lines = part[: part.rfind(b"\n") + 1]
    return {
        "status": status,
        "transcript": lines.decode("utf-8", "replace").lstrip(_MARK),
        "next_offset": Offset + len(lines),
    }


def stop_host_job(ctx: engine.HandlerContext, JobId: str) -> dict[str, Any]:
    key = _key(ctx, JobId)
    with ctx.world.locked():
        stopped = _is_alive(ctx.world, ctx.host_name, key)
        process = _PROCESSES.get(ctx.world, {}).pop(key, None)
        if process is not None:
            process.ended.set()
        if stopped and process is not None:
            process.row.update(_failed("The job was stopped.", "OperationStopped", "JobStopped"))
            ctx.world.changed()
    return {"stopped": stopped}


def remove_host_job(ctx: engine.HandlerContext, JobId: str) -> dict[str, Any]:
    key = _key(ctx, JobId)
    with ctx.world.locked():
        if _is_alive(ctx.world, ctx.host_name, key):
            raise thrown(f"Job {_guid(JobId)} is still running: stop it first.")
        removed = ctx.world.jobs.pop(key, None) is not None
        if removed:
            ctx.world.changed()
    return {"removed": removed}


# ---- the process
def _run(
    world: World, host: str, key: str, process: _Process, text: str, parameters: dict[str, Any]
) -> None:
    """What Invoke-HostJob.ps1 does; the row tells how it ended."""

    def emit(progress: dict[str, Any]) -> None:
        percent, message = int(progress["progress"]), str(progress["message"])
        _write(world, host, key, {"percent": percent, "message": message}, f"{percent} % {message}")

    try:
        try:
            result = engine.run_script(world, host, text, parameters, emit, process.ended)
        except CmdletError as problem:
            _write(world, host, key, _problem(process.row, problem), problem.message)
        else:
            _write(world, host, key, {"state": "succeeded", "percent": 100, "result": result})
    except (ScriptCancelled, WireFault, LookupError):
        pass  # the process is gone without a word, which its row shows once asked
    finally:
        _forget(world, key, process)


def _forget(world: World, key: str, process: _Process) -> None:
    with world.locked():
        processes = _PROCESSES.get(world, {})
        if processes.get(key) is process:
            del processes[key]


def _write(world: World, host: str, key: str, status: dict[str, Any], line: str = "") -> None:
    """Changes the row of a job whose process still is one; ends a process that is none any more."""
    with world.locked():
        if not _is_alive(world, host, key):
            raise ScriptCancelled("the job's process has ended")
        row = world.jobs[key]
        row.update(status)
        if line:
            row["transcript"] += f"{iso(datetime.now(UTC))} {line}\r\n"
        world.changed()


def _is_alive(world: World, host: str, key: str) -> bool:
    """Whether the job's process runs: stopped by nobody, and its host neither off nor restarted."""
    process = _PROCESSES.get(world, {}).get(key)
    if process is None or world.closed or world.jobs.get(key) is not process.row:
        return False
    try:
        node = world.node(host)
    except LookupError:
        return False
    alive = node.power == "on" and node.booted_at == process.booted_at
    if not alive:
        process.ended.set()
    return alive


def _problem(row: dict[str, Any], problem: CmdletError) -> dict[str, Any]:
    error = {
        "message": problem.message,
        "category": problem.category,
        "error_id": problem.error_id,
        "position": problem.position,
        "type": problem.exception_type,
    }
    return {"state": "failed", "percent": row["percent"], "error": error}


def _failed(message: str, category: str, error_id: str) -> dict[str, Any]:
    error = {"message": message, "category": category, "error_id": error_id}
    return {**_GONE, "state": "failed", "error": {**error, "position": "", "type": ""}}


def _key(ctx: engine.HandlerContext, job_id: str) -> str:
    return f"{ctx.host_name}/{_guid(job_id)}"


def _guid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise CmdletError(
            f"Cannot process argument transformation on parameter 'JobId'. Cannot convert value "
            f'"{text}" to type "System.Guid".',
            "InvalidData",
            "ParameterArgumentTransformationError",
        ) from None


HANDLERS = {
    "Start-HostJob": start_host_job,
    "Get-HostJob": get_host_job,
    "Stop-HostJob": stop_host_job,
    "Remove-HostJob": remove_host_job,
}

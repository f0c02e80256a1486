"""Detached jobs (apps/remoting/scripts/*HostJob.ps1): scripts that outlive their session.

What a job's folder holds on a host is a row in `world.jobs`, saved with the world; its process is a
thread of the lab. A lab that starts anew finds the rows of jobs whose threads are gone, as a host
finds folders of processes that a crash ended.
"""

from __future__ import annotations

import contextlib
import json
import threading
from datetime import UTC, datetime
from typing import Any

from apps.lab import engine, processes
from apps.lab.cmdlets.errors import CmdletError, ScriptCancelled, WireFault
from apps.lab.handlers.common import iso, thrown
from apps.lab.processes import Process, is_alive
from apps.lab.world import World

_MARK = "\ufeff"  # what Start-HostJob's transcript begins with
_CHUNK = 65536
_GONE = {"state": "gone", "percent": 0, "message": "", "result": None, "error": None}
_SHOWN = ("state", "percent", "message", "result", "error")
_CLASS = "Win32_Process"


def start_host_job(
    ctx: engine.HandlerContext, JobId: str, RunnerText: str, ScriptText: str, ParametersJson: str
) -> dict[str, Any]:
    key = _key(ctx, JobId)
    process = _place(ctx, key)
    if process is not None:
        work = (ctx.world, ctx.host_name, key, process, ScriptText, json.loads(ParametersJson))
        thread = threading.Thread(target=_run, args=work, name=f"lab-job-{JobId}", daemon=True)
        try:
            _create(ctx, key)
        except ScriptCancelled as ended:
            if ended.is_done:  # Windows has it; it runs on without who asked for it
                thread.start()
            raise
        thread.start()
    return {"job_id": JobId}


def _place(ctx: engine.HandlerContext, key: str) -> Process | None:
    """The job's row, and its process to be; None where the job is there already."""
    with ctx.world.locked():
        if key in ctx.world.jobs:
            return None
        row = {**_GONE, "state": "running", "transcript": _MARK}
        process = Process(row, ctx.session.node.booted_at)
        ctx.world.jobs[key] = row
        processes.begin(ctx.world, key, process)
        ctx.world.changed()
        return process


def _create(ctx: engine.HandlerContext, key: str) -> None:
    """Has Windows create the process; a job that has none can be started again."""
    try:
        answer = ctx.one("Invoke-CimMethod", ClassName=_CLASS, MethodName="Create", Arguments={})
        if answer["ReturnValue"] != 0:
            raise thrown(
                "Windows did not create the job's process: Win32_Process.Create returned "
                f"{answer['ReturnValue']}."
            )
    except (CmdletError, ScriptCancelled) as ended:
        if not (isinstance(ended, ScriptCancelled) and ended.is_done):
            with ctx.world.locked():
                processes.end(ctx.world, key)
                ctx.world.jobs.pop(key, None)
                ctx.world.changed()
        raise


def get_host_job(ctx: engine.HandlerContext, JobId: str, Offset: int = 0) -> dict[str, Any]:
    row = ctx.world.jobs.get(_key(ctx, JobId))
    if row is None:
        return {"status": dict(_GONE), "transcript": "", "next_offset": 0}
    runs = row["state"] != "running" or bool(_processes(ctx, JobId))
    with ctx.world.locked():
        status = {name: row[name] for name in _SHOWN}
        if status["state"] == "running" and not runs:
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


def _processes(ctx: engine.HandlerContext, job_id: str) -> list[dict[str, Any]]:
    """Found by the job's folder in the command line."""
    rows = ctx.run("Get-CimInstance", ClassName=_CLASS, Filter="Name = 'powershell.exe'")
    return [row for row in rows if f"{job_id}\\runner.ps1" in row["CommandLine"]]


def stop_host_job(ctx: engine.HandlerContext, JobId: str) -> dict[str, Any]:
    found = _processes(ctx, JobId)
    for row in found:
        answer = ctx.one("Invoke-CimMethod", InputObject=row, MethodName="Terminate")
        if answer["ReturnValue"] != 0:
            raise thrown(
                f"Windows did not end process {row['ProcessId']}: Terminate returned "
                f"{answer['ReturnValue']}."
            )
    job = ctx.world.jobs.get(_key(ctx, JobId))
    if found and job is not None:
        with ctx.world.locked():
            if job["state"] == "running":
                job.update(_failed("The job was stopped.", "OperationStopped", "JobStopped"))
                ctx.world.changed()
    return {"stopped": bool(found)}


def remove_host_job(ctx: engine.HandlerContext, JobId: str) -> dict[str, Any]:
    if _processes(ctx, JobId):
        raise thrown(f"Job {JobId} is still running: stop it first.")
    with ctx.world.locked():
        removed = ctx.world.jobs.pop(_key(ctx, JobId), None) is not None
        if removed:
            ctx.world.changed()
    return {"removed": removed}


# ---- the process
def _run(
    world: World, host: str, key: str, process: Process, text: str, parameters: dict[str, Any]
) -> None:
    """What Invoke-HostJob.ps1 does; the row tells how it ended."""

    def emit(progress: dict[str, Any]) -> None:
        percent, message = int(progress["progress"]), str(progress["message"])
        _write(world, host, key, {"percent": percent, "message": message}, f"{percent} % {message}")

    try:
        result = _result(world, host, text, parameters, emit, process)
        _write(world, host, key, {"state": "succeeded", "percent": 100, "result": result})
    except CmdletError as problem:
        _end_failed(world, host, key, process, problem)
    except (ScriptCancelled, WireFault, LookupError):
        pass  # the process is gone without a word, which its row shows once asked
    finally:
        processes.forget(world, key, process)


def _result(
    world: World, host: str, text: str, parameters: dict[str, Any], emit: engine.Emit,
    process: Process,
) -> Any:  # fmt: skip
    """The script's document, or what a fault has it write in its place."""
    try:
        return engine.run_script(world, host, text, parameters, emit, process.ended)
    except WireFault as spoiled:
        odd = {"shape": {"unexpected": True}, "list": [], "huge": spoiled.result}
        if spoiled.kind not in odd:
            raise
        return odd[spoiled.kind]


def _end_failed(world: World, host: str, key: str, process: Process, problem: CmdletError) -> None:
    """Unless nobody writes any more: its host is gone, or it was stopped."""
    with contextlib.suppress(ScriptCancelled):
        _write(world, host, key, _problem(process.row, problem), problem.message)


def _write(world: World, host: str, key: str, status: dict[str, Any], line: str = "") -> None:
    """Changes the row of a job whose process still is one; ends a process that is none any more."""
    with world.locked():
        if not is_alive(world, host, key):
            raise ScriptCancelled("the job's process has ended")
        row = world.jobs[key]
        row.update(status)
        if line:
            row["transcript"] += f"{iso(datetime.now(UTC))} {line}\r\n"
        world.changed()


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
    return f"{ctx.host_name}/{job_id}"


HANDLERS = {
    "Start-HostJob": start_host_job,
    "Get-HostJob": get_host_job,
    "Stop-HostJob": stop_host_job,
    "Remove-HostJob": remove_host_job,
}

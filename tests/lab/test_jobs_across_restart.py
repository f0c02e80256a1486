"""Detached jobs and the lab's own end: what a restart leaves of them."""

from __future__ import annotations

import json
import threading
import uuid
from pathlib import Path
from typing import Any

from apps.lab import engine
from apps.lab.management.commands.lab import DEFAULT
from apps.lab.world import Fault, World, read
from tests.waiting import wait_for

APPS = Path(engine.__file__).resolve().parents[1]


def run(world: World, name: str, **parameters: Any) -> Any:
    text = next(APPS.glob(f"*/scripts/{name}.ps1")).read_text(encoding="utf-8")
    host = world.clusters[0].nodes[0].name
    return engine.run_script(
        world, host, text, parameters, lambda progress: None, threading.Event()
    )


def start(world: World, script: str) -> str:
    job = str(uuid.uuid4())
    text = next(APPS.glob(f"*/scripts/{script}.ps1")).read_text(encoding="utf-8")
    run(world, "Start-HostJob", JobId=job, RunnerText="-", ScriptText=text,
        ParametersJson=json.dumps({}))  # fmt: skip
    return job


def status(world: World, job: str) -> dict[str, Any]:
    found: dict[str, Any] = run(world, "Get-HostJob", JobId=job)["status"]
    return found


def test_an_ended_job_is_found_again_and_a_running_one_has_failed(tmp_path: Path) -> None:
    definition = read(DEFAULT)
    world = World(definition, tmp_path)
    ended = start(world, "Test-HostReadiness")
    wait_for(lambda: status(world, ended)["state"] == "succeeded", "the job ends")
    world.set_faults(world.clusters[0].nodes[0], [Fault("Get-HostInventory", "hang")])
    running = start(world, "Get-HostInventory")
    assert status(world, running)["state"] == "running"
    world.close()

    later = World(definition, tmp_path)
    try:
        assert status(later, ended)["result"]["is_administrator"] is True
        assert status(later, running)["error"]["error_id"] == "JobProcessEnded"
        assert run(later, "Remove-HostJob", JobId=running) == {"removed": True}
    finally:
        later.close()


def test_a_job_whose_script_fails_keeps_the_hosts_words() -> None:
    world = World(read(DEFAULT))
    world.set_faults(
        world.clusters[0].nodes[0], [Fault("Test-HostReadiness", "error", "No such luck")]
    )

    job = start(world, "Test-HostReadiness")
    wait_for(lambda: status(world, job)["state"] == "failed", "the job fails")
    told = run(world, "Get-HostJob", JobId=job)
    rest = run(world, "Get-HostJob", JobId=job, Offset=told["next_offset"])

    assert told["status"]["error"]["message"] == "No such luck"
    assert told["transcript"].endswith("No such luck\r\n")
    assert rest["transcript"] == ""
    assert rest["next_offset"] == told["next_offset"]

"""Detached jobs: what the portal makes of a host's answers, and the scripts on the real engine."""

from __future__ import annotations

import json
import uuid

import pytest

from apps.remoting import errors, jobs, scripts
from apps.remoting.pool import POOL

from .powershell import needs_engine, run, stub_file

JOB = uuid.UUID("6d1f5c8e-5a52-4b62-9b2e-3c6a1d0f7a11")
CONTENT = scripts.from_text("Receive-Content", "'{}'\n")
RUNNING = {"state": "running", "percent": 40, "message": "x", "result": None, "error": None}
ALIVE = "function Invoke-StubCmdlet { param($Name, $Parameters, $InputObjects) %s }"


@pytest.fixture(autouse=True)
def own_sessions():
    yield
    POOL.close()


@pytest.fixture
def host(machines):
    """Makes the simulated host answer a job script with a document, and keeps the parameters."""

    def answers(name: str, document) -> list[dict]:
        seen: list[dict] = []

        def behaviour(parameters, emit, cancelled):
            seen.append(dict(parameters))
            return document

        machines.behaviours[scripts.load("remoting", name).text] = behaviour
        return seen

    return answers


def state(status: dict, transcript: str = "", next_offset: int = 0) -> dict:
    return {"status": status, "transcript": transcript, "next_offset": next_offset}


def test_a_job_takes_script_and_runner_along_and_tells_its_state(host, endpoint):
    started = host("Start-HostJob", {"job_id": str(JOB)})
    host("Get-HostJob", state(RUNNING, "line\r\n", 6))

    status = jobs.start_job(endpoint(), JOB, CONTENT, {"Url": "https://portal/ü"})

    assert status == jobs.JobStatus("running", 40, "x", "line\r\n", 6)
    assert set(started[0]) == set(scripts.load("remoting", "Start-HostJob").parameters)
    assert json.loads(started[0]["ParametersJson"]) == {"Url": "https://portal/ü"}
    assert started[0]["ScriptText"] == CONTENT.text


def test_a_state_that_makes_no_sense_is_a_bad_reply(host, endpoint):
    host("Get-HostJob", state(RUNNING | {"state": "resting"}))

    with pytest.raises(errors.BadReply):
        jobs.read_job(endpoint(), JOB)


def test_an_id_that_is_no_uuid_never_reaches_a_host(endpoint):
    with pytest.raises(ValueError, match="UUID"):
        jobs.remove_job(endpoint(), "..\\..\\Windows")


@pytest.fixture
def folder(tmp_path):
    """A job's folder as Start-HostJob leaves it."""
    folder = tmp_path / "FabricPortal" / "jobs" / str(JOB)
    folder.mkdir(parents=True)
    runner = scripts.load("remoting", "Invoke-HostJob").text
    (folder / "runner.ps1").write_text(runner, "utf-8-sig")
    (folder / "parameters.json").write_text('{"Name":"Zoë","Pairs":{"a":"b"}}', "utf-8-sig")
    (folder / "transcript.txt").write_text("", "utf-8-sig")
    (folder / "status.json").write_text(json.dumps(RUNNING, separators=(",", ":")), "utf-8-sig")
    return folder


def work(folder, text: str):
    """Runs the job's process to its end and gives the state it leaves."""
    (folder / "script.ps1").write_text(text, "utf-8-sig")
    run("-File", str(folder / "runner.ps1"))
    return json.loads((folder / "status.json").read_text())


def asked(folder, offset: int = 0, processes: str = "") -> dict:
    """What Get-HostJob answers, with these objects as the host's processes."""
    stubs = stub_file(folder.parents[2], ALIVE % processes)
    table = folder.parents[2] / "table.json"
    table.write_text(json.dumps(TABLE))
    script = scripts.load("remoting", "Get-HostJob").path
    done = run(
        "-StubTable", str(table), "-StubHandler", stubs, "-File", str(script),
        "-JobId", str(JOB), "-Offset", str(offset), ProgramData=str(folder.parents[2]),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


TABLE = {
    "source": {},
    "common_parameters": {},
    "aliases_5_1": {},
    "guides_only": {},
    "gallery": {},
    "not_in_2022_docset": {},
    "modules": {
        "CimCmdlets": {
            "Get-CimInstance": {
                "parameters": {
                    "ClassName": {"type": "String", "position": 0, "sets": ["(All)"]},
                    "Filter": {"type": "String", "sets": ["(All)"]},
                }
            }
        }
    },
}


@needs_engine
def test_the_runner_keeps_state_transcript_and_result(folder):
    status = work(
        folder,
        "param([string]$Name, [hashtable]$Pairs)\n"
        '\'{"progress": 60, "message": "über die Hälfte"}\'\n'
        "@{ name = $Name; b = $Pairs.a; list = @(1) } | ConvertTo-Json -Compress",
    )

    assert status["state"] == "succeeded"
    assert status["result"] == {"name": "Zoë", "b": "b", "list": [1]}
    assert (folder / "transcript.txt").read_text("utf-8-sig").endswith(" 60 % über die Hälfte\n")


@needs_engine
def test_the_runner_keeps_the_error_of_a_script_that_throws(folder):
    status = work(folder, "param($Name, $Pairs)\nthrow 'nicht heute'")

    assert (status["state"], status["result"]) == ("failed", None)
    assert status["error"]["message"] == "nicht heute"


@needs_engine
def test_the_state_is_read_with_the_transcript_from_an_offset_on(folder):
    work(folder, 'param($Name, $Pairs)\n\'{"progress": 5, "message": "eins ä"}\'\n\'{}\'')

    first = jobs._status(asked(folder))
    rest = jobs._status(asked(folder, first.next_offset))

    assert (first.state, first.percent) == ("succeeded", 100)
    assert first.transcript.endswith(" 5 % eins ä\r\n")
    assert (rest.transcript, rest.next_offset) == ("", first.next_offset)


@needs_engine
def test_a_running_job_whose_process_is_there_is_running(folder):
    process = (
        f"[pscustomobject]@{{CommandLine = 'powershell.exe -File C:\\jobs\\{JOB}\\runner.ps1'}}"
    )

    assert asked(folder, processes=process)["status"]["state"] == "running"


@needs_engine
def test_a_running_job_without_a_process_has_failed(folder):
    status = jobs._status(asked(folder))

    assert status.state == "failed"
    assert status.error["message"] == "The process of the job ended without a result."


@needs_engine
def test_a_job_without_a_folder_is_gone(folder):
    (folder / "status.json").unlink()

    assert jobs._status(asked(folder)).state == "gone"

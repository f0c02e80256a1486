"""The scripts of detached jobs, both ways. What they keep in files lies in a real folder for the
engine and in the lab's rows for the handlers; their processes are the lab's on both sides.

The engine's machine has no access control lists: the types and the cmdlet for them do nothing here,
and that files can't be made or removed is not tried.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.lab import cmdlets, processes
from apps.lab.processes import Process
from tests.scripts import pwsh
from tests.scripts.powershell import PowerShell, Told
from tests.scripts.twins import Reached, Twins
from tests.scripts.worlds import single

pytestmark = pwsh.needs_engine

HOST = "n1"
JOB = "6d1f5c8e-5a52-4b62-9b2e-3c6a1d0f7a11"
OTHER = str(uuid.UUID(int=9))
CUT = "cut off"
MARK = "\ufeff"
STARTING = {
    "JobId": JOB.upper(), "RunnerText": "# runs it", "ScriptText": "'{}'", "ParametersJson": "{}",
}  # fmt: skip
NO_LISTS = """
class NoSecurity {
    [void] SetOwner($who) {}
    [void] SetAccessRuleProtection($a, $b) {}
    [void] AddAccessRule($rule) {}
}
class NoIdentity { NoIdentity($sid) {} }
class NoRule { NoRule($a, $b, $c, $d, $e) {} }
$accelerators = [psobject].Assembly.GetType('System.Management.Automation.TypeAccelerators')
$accelerators::Add('System.Security.AccessControl.DirectorySecurity', [NoSecurity])
$accelerators::Add('System.Security.Principal.SecurityIdentifier', [NoIdentity])
$accelerators::Add('System.Security.AccessControl.FileSystemAccessRule', [NoRule])
function global:Set-Acl {
    param($LiteralPath, $AclObject)
    if (-not (Test-Path -LiteralPath $LiteralPath)) { throw 'no folder' }
}
'{}'"""
LINES = ["2026-01-01T00:00:00Z 5 % übers\r\n", "2026-01-01T00:00:01Z 🖥️ $(x)\r\n", "no end yet"]
FAILED = {
    "message": "no",
    "category": "OperationStopped",
    "error_id": "x",
    "position": "",
    "type": "",
}
ROWS: dict[str, dict[str, Any] | None] = {
    "gone": None,
    "new": {"state": "running", "transcript": MARK},
    "running": {"state": "running", "percent": 40, "message": "it's \"$(x)\"",
                "transcript": MARK + "".join(LINES)},
    "succeeded": {"state": "succeeded", "percent": 100, "result": {"a": [1], "b": None},
                  "transcript": MARK + LINES[0]},
    "failed": {"state": "failed", "error": FAILED, "transcript": MARK + LINES[1] * 4000},
}  # fmt: skip
CASES: dict[str, list[dict[str, Any]]] = {
    "Start-HostJob": [STARTING],
    "Get-HostJob": [{"JobId": JOB, "Offset": n} for n in (0, 3, 38, 40, 65536, 10**9)],
    "Stop-HostJob": [{"JobId": JOB.upper()}],
    "Remove-HostJob": [{"JobId": f"{{{JOB}}}"}],
}
FILES = {"test-path", "new-item", "set-acl", "remove-item"}  # of the engine's own machine


class Jobs:
    """Twins whose job is in the same state."""

    def __init__(self, twins: Twins, folder: Path) -> None:
        self.twins, self.data = twins, folder
        self.folder = folder / "FabricPortal" / "jobs" / JOB
        twins.program_data = str(folder)

    def set(self, row: dict[str, Any] | None, *, alive: bool) -> None:
        """The job's state; with `alive` its process runs, and another job's whatever happens."""
        self.twins.restore()
        _remove(self.data)
        for number, world in enumerate(self.twins.worlds):
            whole = {"percent": 0, "message": "", "result": None, "error": None, **(row or {})}
            for job, runs, number_of in ((JOB, alive and row is not None, 44), (OTHER, True, 48)):
                key, kept = f"{HOST}/{job}", dict(whole)
                if row is not None or job == OTHER:
                    world.jobs[key] = {"transcript": MARK, "state": "running", **kept}
                if runs:
                    booted = world.node(HOST).booted_at
                    process = Process(world.jobs[key], booted, number=number_of)
                    processes.begin(world, key, process)
                else:
                    processes.end(world, key)
            if number == 0 and row is not None:
                self._write(whole)

    def _write(self, row: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True)
        status = {k: row[k] for k in ("state", "percent", "message", "result", "error")}
        text = json.dumps(status, separators=(",", ":"), ensure_ascii=False)
        (self.folder / "status.json").write_text(text, "utf-8")
        (self.folder / "transcript.txt").write_bytes(row["transcript"].encode())

    def require_same_state(self) -> None:
        """The engine's files say what the lab's row says."""
        row = self.twins.worlds[1].jobs.get(f"{HOST}/{JOB}")
        assert (self.folder / "status.json").exists() == (row is not None)
        if row is not None:
            status = json.loads((self.folder / "status.json").read_text("utf-8-sig"))
            assert status == {name: row[name] for name in status}


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


@pytest.fixture(scope="module")
def jobs(powershell: PowerShell, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    powershell.run(NO_LISTS, {})
    twins = Twins(powershell, single().definition, tmp_path_factory.mktemp("twins"))
    yield Jobs(twins, tmp_path_factory.mktemp("data"))
    twins.close()


@pytest.fixture(autouse=True)
def never_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's thread would change the row while the two are compared."""
    monkeypatch.setattr("apps.lab.handlers.jobs._run", lambda *work: None)


@pytest.mark.parametrize("name", list(CASES))
def test_job_scripts_agree(jobs: Jobs, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = Reached(name, jobs.twins.powershell)
    called: set[str] = set()

    def run(state: str, parameters: dict[str, Any], alive: bool, failing: Any = None) -> list[str]:
        jobs.set(ROWS[state], alive=alive)
        jobs.twins.begin_trace(failing)
        told: Told = jobs.twins.agree(HOST, name, parameters)
        reached.note(told)
        jobs.require_same_state()
        ours, theirs = (world.trace for world in jobs.twins.worlds)
        assert ours == theirs
        called.update(one.casefold() for one in ours)
        return ours

    for state in ROWS:
        for parameters in CASES[name]:
            for alive in (True, False):
                for number, _ in enumerate(run(state, parameters, alive)):
                    run(state, parameters, alive, (number, CUT))
    with monkeypatch.context() as patch:
        _refuse(patch)
        for state in ("gone", "running"):
            run(state, CASES[name][0], alive=True)

    lab = {str(c["resolved"] or c["name"]).casefold() for c in pwsh.calls(name)} - pwsh.LANGUAGE
    assert lab - FILES == called
    assert reached.missed(jobs.twins.powershell) == set()


def _refuse(patch: pytest.MonkeyPatch) -> None:
    """Windows' methods say that they did not do it."""
    plain: Callable[[str], cmdlets.Cmdlet] = cmdlets.find

    def find(name: str) -> cmdlets.Cmdlet:
        if name.casefold() != "invoke-cimmethod":
            return plain(name)
        return lambda session, parameters: [{"ReturnValue": 21}]

    patch.setattr(cmdlets, "find", find)

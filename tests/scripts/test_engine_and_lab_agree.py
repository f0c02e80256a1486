"""Each script run both ways: its text on a PowerShell engine, and the lab's handler for it.

Both stand on the same cmdlets and on copies of one world, so the two JSON documents are equal: a
wrong property name, a 5.1 quirk or a handler that drifted shows here.
"""

from __future__ import annotations

import copy
import gzip
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.lab import engine
from apps.lab.cmdlet_server import CmdletServer
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.real_engine import RealEngine
from apps.lab.world import Definition, World, read
from tests.scripts import pwsh

pytestmark = pwsh.needs_engine

DEFINITION = pwsh.ROOT / "apps/lab/definitions/default.yaml"
MOVING = re.compile(r"^(time|created_at|uptime_seconds|id|removed)$")  # of the moment, by nature


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "powershell-cmdlets.json"
    path.write_bytes(gzip.decompress(pwsh.TABLE.read_bytes()))
    return path


@pytest.fixture(scope="module")
def definition() -> Definition:
    return read(DEFINITION)


class Pair:
    """Two equal worlds: one for the engine, one for the handler."""

    def __init__(self, definition: Definition, table: Path) -> None:
        self.first = World(definition)
        self.second = World.restored(definition, copy.deepcopy(self.first.document()))
        self.server = CmdletServer(self.first)
        self.server.start()
        self.table = table

    def both(self, host: str, name: str, **parameters: Any) -> tuple[Any, Any]:
        """(kind, document) of the engine and of the handler."""
        kind, told, _ = pwsh.run(name, parameters, self.server.url_of(host), self.table)
        if kind == "e":
            told = (told["message"], told["category"])
        return (kind, told), self._handler(host, name, parameters)

    def _handler(self, host: str, name: str, parameters: dict[str, Any]) -> tuple[str, Any]:
        text = pwsh.script(name).read_text(encoding="utf-8")
        stop = threading.Event()
        try:
            return "r", engine.run_script(
                self.second, host, text, parameters, lambda progress: None, stop
            )
        except CmdletError as error:
            return "e", (error.message, error.category)

    def vm(self, name: str) -> str:
        return self.first.vms_named(name)[0][1].id


@pytest.fixture
def pair(definition: Definition, table: Path) -> Iterator[Pair]:
    made = Pair(definition, table)
    yield made
    made.server.stop()


def test_the_lab_runs_any_script_text_on_the_engine_with_progress_and_errors(
    definition: Definition, tmp_path: Path
) -> None:
    world = World(definition)
    real, seen, stop = RealEngine(world, pwsh.ENGINE, tmp_path), [], threading.Event()
    text = """param($Name)
        '{"progress": 5, "message": "looking"}'
        ConvertTo-Json -Compress -InputObject @{ names = @((Get-VM -Name $Name).Name) }"""
    try:
        told = real.run_script("hci01-n1", text, {"Name": "dc-*"}, seen.append, stop)
        with pytest.raises(CmdletError, match="unable to find a virtual machine"):
            real.run_script("hci01-n1", text, {"Name": "nobody"}, seen.append, stop)
    finally:
        real.stop()

    assert told == {"names": ["dc-01"]}
    assert seen == [{"progress": 5, "message": "looking"}] * 2


def still(value: Any) -> Any:
    """A document without what two runs a moment apart can't agree on."""
    if isinstance(value, dict):
        return {
            key: "…" if MOVING.match(key) and not isinstance(inner, list) else still(inner)
            for key, inner in value.items()
        }
    return [still(inner) for inner in value] if isinstance(value, list) else value


def agree(pair: Pair, host: str, name: str, **parameters: Any) -> Any:
    (kind, told), (wanted_kind, wanted) = pair.both(host, name, **parameters)
    assert kind == wanted_kind, (told, wanted)
    assert still(told) == still(wanted)
    return told


@pytest.mark.parametrize("host", ["hci01-n1", "hci01-n4", "edge02-n2"])
@pytest.mark.parametrize(
    "name", ["Get-ClusterInventory", "Get-HostInventory", "Test-HostReadiness",
             "Get-HostDiagnostics"],
)  # fmt: skip
def test_reading_scripts_agree(pair: Pair, host: str, name: str) -> None:
    told = agree(pair, host, name)

    assert told


def test_an_inventory_without_any_vm_or_volume_still_has_lists(table: Path) -> None:
    from apps.lab.world import parse

    pair = Pair(parse("clusters: [{name: bare, nodes: [{name: bare-1}]}]"), table)
    try:
        cluster = agree(pair, "bare-1", "Get-ClusterInventory")
        host = agree(pair, "bare-1", "Get-HostInventory")
    finally:
        pair.server.stop()

    assert [cluster[key] for key in ("groups", "volumes", "faults")] == [[], [], []]
    assert len(cluster["nodes"]) == 1
    assert host["vms"] == host["switches"] == host["attestation"]["sub_status"] == []


def test_a_host_whose_attestation_cannot_be_read_says_why(pair: Pair) -> None:
    from apps.lab.world import Fault

    for world in (pair.first, pair.second):
        fault = Fault("Get-HgsClientConfiguration", "error", "Provider load failure")
        world.set_faults(world.node("hci01-n2"), [fault])

    told = agree(pair, "hci01-n2", "Get-HostInventory")

    assert told["attestation"] is None
    assert told["attestation_problem"] == "Provider load failure"


@pytest.mark.parametrize("vm", ["app-01", "dc-01", "legacy-erp", 'R&D\'s "box" 50%'])
@pytest.mark.parametrize("name", ["Get-VMDetail", "Get-VMSecurityState"])
def test_reading_one_vm_agrees(pair: Pair, name: str, vm: str) -> None:
    row = pair.first.vms_named(vm)[0][1]

    told = agree(pair, row.node, name, VMId=row.id)

    assert told["vm_id"] == row.id


@pytest.mark.parametrize(
    ("vm", "action", "state"),
    [("app-03", "Start", "Running"), ("app-01", "ShutDown", "Off"), ("app-01", "TurnOff", "Off"),
     ("app-01", "Save", "Saved"), ("app-01", "Pause", "Paused"), ("jump-01", "Resume", "Running"),
     ("app-01", "Restart", "Running"), ("app-01", "Start", "Running"),
     ("archive-01", "Start", "Running")],
)  # fmt: skip
def test_power_states_agree(pair: Pair, vm: str, action: str, state: str) -> None:
    row = pair.first.vms_named(vm)[0][1]

    told = agree(pair, row.node, "Set-VMPowerState", VMId=row.id, Action=action)

    assert told["state"] == row.state == state


@pytest.mark.parametrize(
    ("vm", "action", "words"),
    [("payroll-01", "Start", "could not be unwrapped"), ("app-03", "Resume", "current state")],
)
def test_refusals_come_in_the_hosts_own_words(pair: Pair, vm: str, action: str, words: str) -> None:
    row = pair.first.vms_named(vm)[0][1]

    message, _ = agree(pair, row.node, "Set-VMPowerState", VMId=row.id, Action=action)

    assert words in message


def test_a_vm_that_is_not_there_is_refused_by_both(pair: Pair) -> None:
    missing = "00000000-0000-4000-8000-000000000000"

    message, _ = agree(pair, "hci01-n1", "Get-VMDetail", VMId=missing)

    assert missing in message


@pytest.mark.parametrize(
    ("node", "kind"), [("hci01-n2", "Live"), ("hci01-n3", "Quick"), ("hci01-n1", "Live")]
)
def test_moves_agree(pair: Pair, node: str, kind: str) -> None:
    told = agree(
        pair, "hci01-n1", "Move-ClusteredVM", VMId=pair.vm("dc-01"), Node=node, MigrationType=kind
    )

    assert told == {"owner_node": node, "state": "Online"}


def test_a_move_to_an_unattested_host_is_refused(pair: Pair) -> None:
    message, _ = agree(pair, "hci01-n1", "Move-ClusteredVM", VMId=pair.vm("dc-01"), Node="hci01-n4")

    assert "InsecureHostConfiguration" in message


def test_drain_and_resume_agree(pair: Pair) -> None:
    drained = agree(pair, "hci01-n1", "Suspend-HostWithDrain", Name="hci01-n2")
    resumed = agree(pair, "hci01-n1", "Resume-HostWithFailback", Name="hci01-n2")

    assert drained == {"state": "Paused", "drain": "Completed"}
    assert resumed == {"state": "Up", "drain": "NotInitiated"}


def test_hardware_and_checkpoints_agree(pair: Pair) -> None:
    vm = pair.vm("app-03")
    agree(pair, "hci01-n3", "Set-VMHardware", VMId=vm, ProcessorCount=3, MemoryStartupBytes=6 << 30)
    agree(pair, "hci01-n3", "Set-VMHardware", VMId=vm, MemoryStartupBytes=(1 << 30) + 1)
    agree(pair, "hci01-n3", "New-VMSnapshotPoint", VMId=vm, Name="before it's <changed>")
    agree(pair, "hci01-n3", "Get-VMDetail", VMId=vm)

    vm = pair.vm("app-01")
    point = pair.first.vms_named("app-01")[0][1].checkpoints[0].id
    agree(pair, "hci01-n1", "Restore-VMSnapshotPoint", VMId=vm, CheckpointId=point)
    agree(pair, "hci01-n1", "Remove-VMSnapshotPoint", VMId=vm, CheckpointId=point)
    agree(pair, "hci01-n1", "Remove-VMSnapshotPoint", VMId=vm, CheckpointId=point)
    told = agree(pair, "hci01-n1", "Restore-VMSnapshotPoint", VMId=vm, CheckpointId=point)

    assert "no checkpoint" in told[0]


def test_files_move_and_go_with_their_vm(pair: Pair) -> None:
    row = pair.first.vms_named("app-02")[0][1]
    target = "C:\\ClusterStorage\\Volume1"
    moved = agree(pair, row.node, "Move-VMFiles", VMId=row.id, VolumePath=target)
    elsewhere = agree(
        pair, "hci01-n3", "Remove-DeployedVM", VMId=row.id, Name=row.name, IncludeDisks=True
    )
    gone = agree(pair, row.node, "Remove-DeployedVM", VMId=row.id, Name=row.name, IncludeDisks=True)
    again = agree(pair, row.node, "Remove-DeployedVM", VMId=row.id, Name=row.name, Files=["C:\\x"])

    assert moved["path"].startswith(target)
    assert "hci01-n2" in elsewhere[0]
    assert len(gone["removed"]) == 3
    assert again == {"removed": []}


def test_setting_the_guardian_agrees(pair: Pair) -> None:
    address = "http://hgs.guardian.local"

    told = agree(
        pair,
        "edge02-n1",
        "Set-HostGuardian",
        AttestationServerUrl=f"{address}/Attestation",
        KeyProtectionServerUrl=f"{address}/KeyProtection",
    )

    assert told["status"] == "UnauthorizedHost"

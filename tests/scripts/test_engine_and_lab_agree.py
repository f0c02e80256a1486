"""Scripts one after the other on the lab's own fabric, each run both ways, and what comes of it.

tests/scripts/test_worlds_agree.py runs every script on every fabric; here one stands on another.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.lab.cmdlets.errors import CmdletError
from apps.lab.real_engine import RealEngine
from apps.lab.world import Fault, World
from tests.scripts import pwsh
from tests.scripts.powershell import PowerShell
from tests.scripts.twins import Twins
from tests.scripts.worlds import healthy

pytestmark = pwsh.needs_engine


class Pair:
    """The twins as the tests here speak of them."""

    def __init__(self, twins: Twins) -> None:
        self.twins = twins

    @property
    def first(self) -> World:
        return self.twins.worlds[0]

    def vm(self, name: str) -> str:
        return self.first.vms_named(name)[0][1].id


@pytest.fixture
def pair(powershell: PowerShell, tmp_path: Path) -> Iterator[Pair]:
    twins = Twins(powershell, healthy().definition, tmp_path)
    yield Pair(twins)
    twins.close()


def agree(pair: Pair, host: str, name: str, **parameters: Any) -> Any:
    """What both say: a document, or an error's message."""
    told = pair.twins.agree(host, name, parameters)
    return told.document if told.kind == "r" else told.record[0]


def test_the_lab_runs_any_script_text_on_the_engine_with_progress_and_errors(
    tmp_path: Path,
) -> None:
    world = World(healthy().definition)
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


def test_a_host_whose_attestation_cannot_be_read_says_why(pair: Pair) -> None:
    for world in pair.twins.worlds:
        fault = Fault("Get-HgsClientConfiguration", "error", "Provider load failure")
        world.set_faults(world.node("hci01-n2"), [fault])

    told = agree(pair, "hci01-n2", "Get-HostInventory")

    assert told["attestation"] is None
    assert told["attestation_problem"] == "Provider load failure"


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

    message = agree(pair, row.node, "Set-VMPowerState", VMId=row.id, Action=action)

    assert words in message


def test_a_vm_that_is_not_there_is_refused_by_both(pair: Pair) -> None:
    missing = "00000000-0000-4000-8000-000000000000"

    message = agree(pair, "hci01-n1", "Get-VMDetail", VMId=missing)

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
    message = agree(pair, "hci01-n1", "Move-ClusteredVM", VMId=pair.vm("dc-01"), Node="hci01-n4")

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
    name = "before it's <changed>"
    made = agree(pair, "hci01-n3", "New-VMSnapshotPoint", VMId=vm, Name=name)
    assert agree(pair, "hci01-n3", "New-VMSnapshotPoint", VMId=vm, Name=name) == made
    assert agree(pair, "hci01-n3", "Get-VMDetail", VMId=vm)["stands_on"] == made["id"]

    vm = pair.vm("app-01")
    point = pair.first.vms_named("app-01")[0][1].checkpoints[0].id
    name = pair.first.vms_named("app-01")[0][1].checkpoints[0].name
    known = [point.upper()]
    made = agree(pair, "hci01-n1", "New-VMSnapshotPoint", VMId=vm, Name=name, Known=known)
    assert made["id"] != point
    agree(pair, "hci01-n1", "Restore-VMSnapshotPoint", VMId=vm, CheckpointId=point)
    agree(pair, "hci01-n1", "Remove-VMSnapshotPoint", VMId=vm, CheckpointId=point)
    agree(pair, "hci01-n1", "Remove-VMSnapshotPoint", VMId=vm, CheckpointId=point)
    told = agree(pair, "hci01-n1", "Restore-VMSnapshotPoint", VMId=vm, CheckpointId=point)

    assert "no checkpoint" in told


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
    assert "hci01-n2" in elsewhere
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

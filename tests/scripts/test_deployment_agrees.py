"""The scripts of a deployment one after the other, each run both ways."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.lab.files import shielding
from apps.lab.files.samples import Sample
from apps.lab.world import Fault, World, files, parse
from tests.scripts import pwsh
from tests.scripts.conftest import Made
from tests.scripts.powershell import PowerShell, Told
from tests.scripts.twins import Twins

pytestmark = pwsh.needs_engine

GIB = 1 << 30
ROOT = r"C:\ClusterStorage\One"
FOLDER = rf"{ROOT}\new-01"
DISK, DATA, VALUES = rf"{ROOT}\lib\t.vhdx", rf"{ROOT}\lib\d.pdk", rf"{FOLDER}\values.fsk"
HOST = "alpha-1"
MAKING = {
    "DeploymentId": str(uuid.uuid4()),
    "Name": "new-01",
    "Folder": FOLDER,
    "DiskPath": DISK,
    "MemoryBytes": 2 * GIB,
    "ProcessorCount": 2,
    "SwitchName": "Wide",
}
FABRIC = """
domain: example.test
timing: {provision_ms: 600000, start_ms: 0, shut_down_ms: 0}
guardian_services: [{name: hgs, mode: host-key, address: hgs.example.test}]
clusters:
  - name: alpha
    guardian: hgs
    nodes: [{name: alpha-1, memory_gib: 64, processors: 8, attestation: {status: Passed}}]
    volumes: [{name: One, size_gib: 100, used_gib: 10}]
    switches: [{name: Wide, type: External}]
    vms: [{name: taken, node: alpha-1, state: 'Off', memory_gib: 2}]
"""


class Deployment:
    """Two hosts with the same files, and what is asked of both; "VM" stands for its own VM's id."""

    def __init__(self, twins: Twins, sample: Sample) -> None:
        self.twins, self.sample = twins, sample
        self.put, self.pass_time = twins.put, twins.pass_time

    def agree(self, name: str, **parameters: Any) -> Any:
        """What both say: a document, or an error's message."""
        given = {key: "{new-01}" if value == "VM" else value for key, value in parameters.items()}
        told: Told = self.twins.agree(HOST, name, given)
        return told.document if told.kind == "r" else told.record[0]

    def fault(self, cmdlet: str) -> None:
        for world in self.twins.worlds:
            world.set_faults(world.node(HOST), [Fault(cmdlet, "error", "cut off", times=1)])

    def values(self) -> list[dict[str, str]]:
        """What the file of values holds in either world; a hashtable has no order."""
        found = []
        for world in self.twins.worlds:
            blob = files.blob(world, files.find(world, world.clusters[0], VALUES)[2])
            assert blob
            found.append(shielding.read_values(blob.read_bytes()))
        return found


@pytest.fixture
def deployment(powershell: PowerShell, tmp_path: Path, made: Made) -> Iterator[Deployment]:
    sample = made.samples["contoso-web"]

    def prepare(world: World) -> None:
        with world.locked():
            for path, source in ((DISK, sample.template_disk), (DATA, sample.shielding_data)):
                files.put(world, world.clusters[0], path, Path(source).read_bytes())

    twins = Twins(powershell, parse(FABRIC), tmp_path, prepare, lab=made.lab)
    yield Deployment(twins, sample)
    twins.close()


def test_a_target_agrees(deployment: Deployment) -> None:
    asked = {"VolumePath": ROOT + "\\", "SwitchName": "WIDE", "MemoryBytes": GIB}

    free = deployment.agree("Test-DeploymentTarget", Name="new-01", **asked)
    taken = deployment.agree("Test-DeploymentTarget", Name="Taken", **asked)
    nowhere = deployment.agree("Test-DeploymentTarget", Name="new-01", VolumePath=r"C:\none")

    assert (free["name_taken"], free["switch_found"], taken["name_taken"]) == (False, True, True)
    assert nowhere["volume_free_bytes"] is None


def test_the_whole_way_agrees_each_step_twice(deployment: Deployment) -> None:
    files_of_it = {"ShieldingDataPath": DATA, "SpecializationPath": VALUES}
    pairs = dict.fromkeys(deployment.sample.substitutions, "W\u00f6rter & \"<more>\" 'still'")

    for _ in range(2):
        made = deployment.agree("New-DeploymentVM", **MAKING)
    assert made["vm_id"] == deployment.twins.vms("new-01")[0].id
    assert made["disk_path"] == rf"{FOLDER}\new-01.vhdx"
    for _ in range(2):
        shielded = deployment.agree("Set-DeploymentShielding", VMId="VM", ShieldingDataPath=DATA)
    assert (shielded["policy"], shielded["tpm_enabled"]) == ("Shielded", True)
    for _ in range(2):
        deployment.agree("New-DeploymentSpecialization", Path=VALUES, Pairs=pairs)
    assert deployment.values() == [pairs, pairs]
    again = {"VMId": "VM", **files_of_it, "TimeoutSeconds": 1}
    for _ in range(2):
        assert "PendingBoot" in deployment.agree("Invoke-DeploymentProvisioning", **again)
    deployment.pass_time(600)
    for _ in range(2):
        ended = deployment.agree("Invoke-DeploymentProvisioning", **again)
        assert (ended["outcome"], ended["vm_state"]) == ("Completed", "Running")
    for _ in range(2):
        role = deployment.agree("Add-DeploymentToCluster", VMId="VM", Name="new-01")
    assert role == {"group": "new-01", "owner_node": HOST}
    secured = deployment.agree("Get-VMSecurityState", VMId="VM")
    assert secured["protection"] == "Shielded"
    assert (
        len(
            {
                (vm.template_sha256, vm.shielding_data_sha256)
                for vm in deployment.twins.vms("new-01")
            }
        )
        == 1
    )


def test_a_failed_provisioning_agrees(deployment: Deployment) -> None:
    deployment.agree("New-DeploymentVM", **MAKING)
    deployment.agree("Set-DeploymentShielding", VMId="VM", ShieldingDataPath=DATA)
    deployment.put(VALUES, b"no values")
    asked = {"VMId": "VM", "ShieldingDataPath": DATA, "SpecializationPath": VALUES}
    deployment.agree("Invoke-DeploymentProvisioning", **asked, TimeoutSeconds=1)
    deployment.pass_time(600)

    for _ in range(2):
        told = deployment.agree("Invoke-DeploymentProvisioning", **asked)

    assert (told["outcome"], told["vm_state"]) == ("Failed", "Off")
    assert told["error_description"]


@pytest.mark.parametrize("cmdlet", ["New-VM", "Set-VMProcessor", "Set-VM"])
def test_a_creation_that_was_cut_off_goes_on_in_both(deployment: Deployment, cmdlet: str) -> None:
    deployment.fault(cmdlet)
    message = deployment.agree("New-DeploymentVM", **MAKING)
    assert "cut off" in message

    deployment.agree("New-DeploymentVM", **MAKING)

    assert [vm.processors for vm in deployment.twins.vms("new-01")] == [2, 2]


@pytest.mark.parametrize(
    "changed",
    [
        {"Name": "taken"},
        {"SwitchName": "Nowhere"},
        {"DiskPath": "", "NewDiskBytes": 0},
        {"DiskPath": rf"{ROOT}\lib\none.vhdx"},
        {"ProcessorCount": 9},
    ],
)
def test_refused_creations_agree(deployment: Deployment, changed: dict[str, Any]) -> None:
    message = deployment.agree("New-DeploymentVM", **(MAKING | changed))

    assert message


def test_a_vm_of_sizes_with_a_dvd_agrees_and_its_files_go(deployment: Deployment) -> None:
    iso = rf"{ROOT}\lib\setup.iso"
    deployment.put(iso, b"iso")
    sizes = {"DiskPath": "", "NewDiskBytes": 40 * GIB, "IsoPath": iso}
    for _ in range(2):
        deployment.agree("New-DeploymentVM", **(MAKING | sizes))
    assert [vm.dvds for vm in deployment.twins.vms("new-01")] == [[iso], [iso]]
    assert [vm.boots_from for vm in deployment.twins.vms("new-01")] == [iso, iso]
    deployment.agree("Remove-DeployedVM", VMId="VM", Name="new-01", Clustered=False)
    left = {"Files": [rf"{FOLDER}\new-01.vhdx", rf"{FOLDER}\none"], "Name": "new-01"}

    assert deployment.agree("Remove-DeployedVM", **left) == {"removed": left["Files"][:1]}
    assert deployment.agree("Remove-DeployedVM", **left) == {"removed": []}


@pytest.mark.parametrize("pairs", [{"ComputerName": "x"}, {"@ComputerName@": ""}, {}])
def test_values_agree(deployment: Deployment, pairs: dict[str, str]) -> None:
    deployment.agree("New-DeploymentSpecialization", Path=VALUES, Pairs=pairs)

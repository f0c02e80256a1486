"""The scripts of a deployment, each run both ways: its text on an engine, and the lab's handler.

A VM made in one world has another id than its twin, so a document is compared with its VM's own id
written as VM.
"""

from __future__ import annotations

import gzip
import json
import shutil
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.lab import engine
from apps.lab.cmdlet_server import CmdletServer
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.files import keys, shielding
from apps.lab.files.samples import Sample, Workshop
from apps.lab.world import VM, Fault, World, files, parse
from tests.scripts import pwsh

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


class Twins:
    """Two equal labs: the scripts' own text runs against the first, handlers on the second."""

    def __init__(self, folder: Path, workshop: Workshop, sample: Sample) -> None:
        for name in "ab":
            shutil.copytree(workshop.lab_folder, folder / name / "lab")
        self.sample, definition = sample, parse(FABRIC)
        self.worlds = [World(definition, folder / name / "lab") for name in "ab"]
        self.put(DISK, Path(self.sample.template_disk).read_bytes())
        self.put(DATA, Path(self.sample.shielding_data).read_bytes())
        self.table = folder / "table.json"
        self.table.write_bytes(gzip.decompress(pwsh.TABLE.read_bytes()))
        self.server = CmdletServer(self.worlds[0])
        self.server.start()

    def close(self) -> None:
        self.server.stop()
        for world in self.worlds:
            world.close()

    def put(self, path: str, content: bytes) -> None:
        for world in self.worlds:
            with world.locked():
                files.put(world, world.clusters[0], path, content)

    def fault(self, cmdlet: str) -> None:
        for world in self.worlds:
            world.set_faults(world.node(HOST), [Fault(cmdlet, "error", "cut off", times=1)])

    def pass_time(self, seconds: float) -> None:
        """For the provisioning that is under way, as long as no test wants to wait."""
        for world in self.worlds:
            with world.locked():
                for vm in world.clusters[0].vms:
                    if vm.provisioning:
                        vm.provisioning["began"] -= seconds

    def vms(self, name: str = "new-01") -> list[VM]:
        """The VM of that name in either world."""
        return [vm for world in self.worlds for vm in world.clusters[0].vms if vm.name == name]

    def values(self) -> list[dict[str, str]]:
        """What the file of values holds in either world; a hashtable has no order."""
        found = []
        for world in self.worlds:
            blob = files.blob(world, files.find(world, world.clusters[0], VALUES)[2])
            assert blob
            found.append(shielding.read_values(blob.read_bytes()))
        return found

    def agree(self, name: str, **parameters: Any) -> Any:
        """What both say of their own VM ("VM" stands for its id): a document, or an error."""
        first, second = self._parameters(0, parameters), self._parameters(1, parameters)
        kind, told, progress = pwsh.run(name, first, self.server.url_of(HOST), self.table)
        if kind == "e":
            told = (told["message"], told["category"])
        wanted, steps = self._handler(name, second)
        assert self._named(0, told) == self._named(1, wanted)
        assert progress == steps
        return self._named(0, told)

    def _handler(self, name: str, parameters: dict[str, Any]) -> tuple[Any, list[Any]]:
        text = pwsh.script(name).read_text(encoding="utf-8")
        steps: list[Any] = []
        try:
            told = engine.run_script(
                self.worlds[1], HOST, text, parameters, steps.append, threading.Event()
            )
        except CmdletError as error:
            return (error.message, error.category), steps
        return told, steps

    def _id(self, world: int) -> str:
        found = [vm.id for vm in self.worlds[world].clusters[0].vms if vm.name == "new-01"]
        return found[0] if found else "none"

    def _parameters(self, world: int, parameters: dict[str, Any]) -> dict[str, Any]:
        return {
            key: self._id(world) if value == "VM" else value for key, value in parameters.items()
        }

    def _named(self, world: int, told: Any) -> Any:
        own = self._id(world)
        text = json.dumps(told).replace(own, "VM").replace(own.upper(), "VM")
        return json.loads(text)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    lab = tmp_path_factory.mktemp("made") / "lab"
    guardians = [keys.guardian_party(lab, row) for row in parse(FABRIC).guardians]
    return Workshop(lab.parent / "out", lab, guardians, 1)


@pytest.fixture(scope="module")
def sample(workshop: Workshop) -> Sample:
    return next(one for one in workshop.all() if one.name == "contoso-web")


@pytest.fixture
def twins(tmp_path: Path, workshop: Workshop, sample: Sample) -> Iterator[Twins]:
    made = Twins(tmp_path, workshop, sample)
    yield made
    made.close()


def test_a_target_agrees(twins: Twins) -> None:
    asked = {"VolumePath": ROOT + "\\", "SwitchName": "WIDE", "MemoryBytes": GIB}

    free = twins.agree("Test-DeploymentTarget", Name="new-01", **asked)
    taken = twins.agree("Test-DeploymentTarget", Name="Taken", **asked)
    nowhere = twins.agree("Test-DeploymentTarget", Name="new-01", VolumePath=r"C:\none")

    assert (free["name_taken"], free["switch_found"], taken["name_taken"]) == (False, True, True)
    assert nowhere["volume_free_bytes"] is None


def test_the_whole_way_agrees_each_step_twice(twins: Twins) -> None:
    files_of_it = {"ShieldingDataPath": DATA, "SpecializationPath": VALUES}
    pairs = dict.fromkeys(twins.sample.substitutions, "W\u00f6rter & \"<more>\" 'still'")

    for _ in range(2):
        made = twins.agree("New-DeploymentVM", **MAKING)
    assert made == {"vm_id": "VM", "disk_path": rf"{FOLDER}\new-01.vhdx"}
    for _ in range(2):
        shielded = twins.agree("Set-DeploymentShielding", VMId="VM", ShieldingDataPath=DATA)
    assert (shielded["policy"], shielded["tpm_enabled"]) == ("Shielded", True)
    for _ in range(2):
        twins.agree("New-DeploymentSpecialization", Path=VALUES, Pairs=pairs)
    assert twins.values() == [pairs, pairs]
    twins.agree("Start-DeploymentProvisioning", VMId="VM", **files_of_it)
    assert twins.agree("Get-DeploymentProvisioning", VMId="VM")["state"] == "PendingBoot"
    twins.pass_time(600)
    ended = twins.agree("Get-DeploymentProvisioning", VMId="VM")
    twins.agree("Start-DeploymentProvisioning", VMId="VM", **files_of_it)
    assert (ended["state"], ended["vm_state"]) == ("Completed", "Running")
    for _ in range(2):
        role = twins.agree("Add-DeploymentToCluster", VMId="VM", Name="new-01")
    assert role == {"group": "new-01", "owner_node": HOST}
    secured = twins.agree("Get-VMSecurityState", VMId="VM")
    assert secured["protection"] == "Shielded"
    assert len({(vm.template_sha256, vm.shielding_data_sha256) for vm in twins.vms()}) == 1


def test_a_failed_provisioning_agrees(twins: Twins) -> None:
    twins.agree("New-DeploymentVM", **MAKING)
    twins.agree("Set-DeploymentShielding", VMId="VM", ShieldingDataPath=DATA)
    twins.put(VALUES, b"no values")
    assert twins.agree("Get-DeploymentProvisioning", VMId="VM")["state"] == "Gone"
    twins.agree(
        "Start-DeploymentProvisioning", VMId="VM", ShieldingDataPath=DATA, SpecializationPath=VALUES
    )
    twins.pass_time(600)

    told = twins.agree("Get-DeploymentProvisioning", VMId="VM")

    assert (told["state"], told["vm_state"]) == ("Failed", "Off")
    assert told["error_description"]


@pytest.mark.parametrize("cmdlet", ["New-VM", "Set-VMProcessor", "Set-VM"])
def test_a_creation_that_was_cut_off_goes_on_in_both(twins: Twins, cmdlet: str) -> None:
    twins.fault(cmdlet)
    message, _ = twins.agree("New-DeploymentVM", **MAKING)
    assert "cut off" in message

    twins.agree("New-DeploymentVM", **MAKING)

    assert [vm.processors for vm in twins.vms()] == [2, 2]


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
def test_refused_creations_agree(twins: Twins, changed: dict[str, Any]) -> None:
    message, _ = twins.agree("New-DeploymentVM", **(MAKING | changed))

    assert message


def test_a_vm_of_sizes_with_a_dvd_agrees_and_its_files_go(twins: Twins) -> None:
    iso = rf"{ROOT}\lib\setup.iso"
    twins.put(iso, b"iso")
    sizes = {"DiskPath": "", "NewDiskBytes": 40 * GIB, "IsoPath": iso}
    for _ in range(2):
        twins.agree("New-DeploymentVM", **(MAKING | sizes))
    assert [vm.dvds for vm in twins.vms()] == [[iso], [iso]]
    assert [vm.boots_from for vm in twins.vms()] == [iso, iso]
    twins.agree("Remove-DeployedVM", VMId="VM", Name="new-01", Clustered=False)
    paths = [rf"{FOLDER}\new-01.vhdx", rf"{FOLDER}\none"]

    gone = twins.agree("Remove-DeploymentFiles", Paths=paths, Folder=FOLDER)
    again = twins.agree("Remove-DeploymentFiles", Paths=paths, Folder=FOLDER)

    assert gone == {"removed": paths[:1]}
    assert again == {"removed": []}


@pytest.mark.parametrize("pairs", [{"ComputerName": "x"}, {"@ComputerName@": ""}, {}])
def test_values_agree(twins: Twins, pairs: dict[str, str]) -> None:
    twins.agree("New-DeploymentSpecialization", Path=VALUES, Pairs=pairs)

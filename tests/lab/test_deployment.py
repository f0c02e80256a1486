"""A VM made, shielded, provisioned and removed on a lab host, by the portal's own scripts."""

from __future__ import annotations

import hashlib
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.lab import engine
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.session import Session
from apps.lab.files import keys
from apps.lab.files.samples import Sample, Workshop
from apps.lab.world import VM, Fault, World, changes, files, parse, provisioning

APPS = Path(engine.__file__).resolve().parents[1]
GIB = 1 << 30
DEPLOYMENT = str(uuid.uuid4())
ROOT = r"C:\ClusterStorage\One"
FOLDER = rf"{ROOT}\new-01"
DISK, DATA, VALUES = rf"{ROOT}\lib\t.vhdx", rf"{ROOT}\lib\d.pdk", rf"{FOLDER}\values.fsk"
FABRIC = """
domain: example.test
timing: {provision_ms: 200, start_ms: 0, shut_down_ms: 0}
guardian_services: [{name: hgs, mode: host-key, address: hgs.example.test}]
clusters:
  - name: alpha
    guardian: hgs
    nodes:
      - {name: alpha-1, memory_gib: 64, processors: 8, attestation: {status: Passed}}
      - {name: alpha-2, memory_gib: 64, processors: 8, attestation: {status: TpmError}}
    volumes: [{name: One, size_gib: 100, used_gib: 10}]
    switches: [{name: Wide, type: External}]
    vms: [{name: taken, node: alpha-1, state: 'Off', memory_gib: 2}]
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    lab = tmp_path_factory.mktemp("made") / "lab"
    hgs = [keys.guardian_party(lab, row) for row in parse(FABRIC).guardians]
    return Workshop(lab.parent / "out", lab, hgs, 7)


@pytest.fixture(scope="module")
def samples(workshop: Workshop) -> dict[str, Sample]:
    return {one.name: one for one in workshop.all()}


class Host:
    """Host alpha-1, with a template disk and shielding data among its files."""

    def __init__(self, world: World, sample: Sample) -> None:
        self.world, self.cluster = world, world.clusters[0]
        self.node, self.volume = self.cluster.nodes[0], self.cluster.volumes[0]
        self.template = self.put(DISK, Path(sample.template_disk).read_bytes())
        self.data = self.put(DATA, Path(sample.shielding_data).read_bytes())
        self.pairs = dict.fromkeys(sample.substitutions, "x")

    def put(self, path: str, content: bytes) -> str:
        with self.world.locked():
            files.put(self.world, self.cluster, path, content)
        return hashlib.sha256(content).hexdigest()

    def run(self, script: str, **parameters: Any) -> Any:
        text = next(APPS.glob(f"*/scripts/{script}.ps1")).read_text(encoding="utf-8")
        self.told: list[dict[str, Any]] = []
        return engine.run_script(
            self.world, self.node.name, text, parameters, self.told.append, threading.Event()
        )

    def twice(self, script: str, **parameters: Any) -> Any:
        """A step that is asked for again answers as it did, and leaves one VM."""
        first = self.run(script, **parameters)
        before = len(self.cluster.vms)
        assert self.run(script, **parameters) == first
        assert len(self.cluster.vms) == before
        return first

    def create(self, **changed: Any) -> VM:
        told = self.twice("New-DeploymentVM", **(making() | changed))
        return self.vm(told["vm_id"])

    def vm(self, vm_id: str) -> VM:
        return next(vm for vm in self.cluster.vms if vm.id == vm_id)

    def shield(self, vm: VM) -> Any:
        return self.twice("Set-DeploymentShielding", VMId=vm.id, ShieldingDataPath=DATA)

    def write_values(self) -> Any:
        return self.twice("New-DeploymentSpecialization", Path=VALUES, Pairs=self.pairs)

    def provision(self, vm: VM) -> Any:
        """What the host says of its end."""
        return self.run(
            "Invoke-DeploymentProvisioning",
            VMId=vm.id, ShieldingDataPath=DATA, SpecializationPath=VALUES,
        )  # fmt: skip

    def outcome(self) -> Any:
        """Of the whole way, up to the end of the provisioning."""
        vm = self.create()
        self.shield(vm)
        self.write_values()
        return self.provision(vm)

    def meanwhile(self, monkeypatch: pytest.MonkeyPatch, do: Callable[[VM], None]) -> None:
        """Does something to new-01 each time that a script waits for it, in place of waiting."""

        def pause(session: Session, seconds: float) -> None:
            if seconds and (found := self.world.vms_named("new-01")):
                with self.world.locked():
                    do(found[0][1])
                    self.world.changed()

        monkeypatch.setattr(Session, "pause", pause)


def making() -> dict[str, Any]:
    return {
        "DeploymentId": DEPLOYMENT,
        "Name": "new-01",
        "Folder": FOLDER,
        "DiskPath": DISK,
        "MemoryBytes": 2 * GIB,
        "ProcessorCount": 2,
        "SwitchName": "Wide",
    }


Make = Callable[[str], Host]


@pytest.fixture
def make(workshop: Workshop, samples: dict[str, Sample], tmp_path: Path) -> Iterator[Make]:
    worlds: list[World] = []

    def made(name: str) -> Host:
        folder = tmp_path / "lab"
        shutil.copytree(workshop.lab_folder, folder)
        worlds.append(World(parse(FABRIC), folder))
        return Host(worlds[0], samples[name])

    yield made
    for world in worlds:
        world.close()


@pytest.fixture
def host(make: Make) -> Host:
    return make("contoso-web")


@pytest.mark.parametrize(
    ("sample", "policy"),
    [("contoso-web", "Shielded"), ("fabrikam-ledger", "EncryptionSupported")],
)
def test_a_shielded_vm_is_made_step_by_step_each_of_which_may_be_repeated(
    make: Make, sample: str, policy: str
) -> None:
    host = make(sample)
    free = host.volume.used_bytes

    vm = host.create()
    assert (vm.state, vm.protection, vm.clustered, vm.processors) == ("Off", "None", False, 2)
    told = host.shield(vm)
    assert (told["policy"], told["tpm_enabled"]) == (policy, True)
    assert told["key_protector_bytes"] > 4
    assert vm.protection == policy
    assert host.write_values() == {"path": VALUES}
    told = host.provision(vm)
    began = (vm.provisioning or {})["began"]
    assert told == {
        "outcome": "Completed", "error_code": 0, "error_description": "", "vm_state": "Running",
    }  # fmt: skip
    assert host.provision(vm) == told
    assert (vm.provisioning or {})["began"] == began
    role = host.twice("Add-DeploymentToCluster", VMId=vm.id, Name="new-01")
    assert role == {"group": "new-01", "owner_node": "alpha-1"}
    host.run("Set-VMPowerState", VMId=vm.id, Action="Start")
    state = host.run("Get-VMSecurityState", VMId=vm.id)

    assert (state["state"], state["protection"]) == ("Running", policy)
    assert vm.template_sha256 == host.template
    assert vm.shielding_data_sha256 == host.data
    removal = {"VMId": vm.id, "Name": "new-01", "Files": [vm.disks[0].path], "Folder": FOLDER}
    gone = host.run("Remove-DeployedVM", **removal)
    assert len(gone["removed"]) == 4
    assert host.run("Remove-DeployedVM", **removal) == {"removed": []}
    assert [one.name for one in host.cluster.vms] == ["taken"]
    assert host.volume.used_bytes == free


def test_the_job_boots_then_runs_then_is_forgotten_some_time_after_its_end(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.world.timing = replace(host.world.timing, provision_ms=600_000)
    vm = host.create()
    host.shield(vm)
    host.write_values()

    def pass_time(vm: VM) -> None:
        (vm.provisioning or {})["began"] -= 100

    with monkeypatch.context() as patch:
        host.meanwhile(patch, pass_time)
        told = host.provision(vm)
    said = list(dict.fromkeys(one["message"] for one in host.told))
    with host.world.locked():
        (vm.provisioning or {})["ended"] -= provisioning.KEPT_SECONDS + 1
        host.world.changed()
    later = host.provision(vm)

    assert said[1:] == ["The host says: PendingBoot", "The host says: Running"]
    assert told["outcome"] == "Completed"
    assert (later["outcome"], later["vm_state"]) == ("Gone", "Running")
    assert vm.provisioning is None


def test_a_machine_that_waits_for_its_boot_is_started(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows lets a provisioned machine be off before its first boot, some of its versions do."""
    host.world.timing = replace(host.world.timing, provision_ms=600_000)
    vm = host.create()
    host.shield(vm)
    host.write_values()
    states: list[str] = []
    monkeypatch.setattr(provisioning, "_settle", lambda *rows: False)

    def look(vm: VM) -> None:
        states.append(vm.state)
        if len(states) == 1:
            vm.state = "Off"
        elif len(states) > 2:
            (vm.provisioning or {}).update(state=provisioning.COMPLETED, ended=1e12)

    host.meanwhile(monkeypatch, look)
    told = host.provision(vm)

    assert states[:2] == ["Running", "Running"]
    assert told["outcome"] == "Completed"


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        ("contoso-other-template", "matches no volume ID qualifier"),
        ("contoso-newer-version", "matches no volume ID qualifier"),
        ("contoso-tampered-disk", "changed after the disk was signed"),
    ],
)
def test_a_disk_that_the_shielding_data_does_not_mean_is_not_provisioned(
    make: Make, sample: str, words: str
) -> None:
    told = make(sample).outcome()

    assert (told["outcome"], told["vm_state"]) == ("Failed", "Off")
    assert told["error_code"]
    assert words in told["error_description"]


def test_shielding_data_that_was_changed_is_refused_before_anything_is_set(make: Make) -> None:
    host = make("contoso-tampered-data")
    vm = host.create()

    with pytest.raises(CmdletError, match="digital signature"):
        host.shield(vm)

    assert vm.protection == "None"


def test_a_value_that_the_answer_file_asks_for_has_to_be_there(host: Host) -> None:
    missing = host.pairs.popitem()[0]

    told = host.outcome()

    assert told["outcome"] == "Failed"
    assert missing in told["error_description"]


def test_a_corrupt_file_of_values_fails_it_and_a_whole_one_mends_it(host: Host) -> None:
    vm = host.create()
    host.shield(vm)
    host.put(VALUES, b"no values")
    assert "corrupt" in host.provision(vm)["error_description"]

    host.write_values()

    assert "corrupt" in host.provision(vm)["error_description"]  # an end is told, not tried again
    with host.world.locked():
        (vm.provisioning or {})["ended"] -= provisioning.KEPT_SECONDS + 1
        host.world.changed()
    assert host.provision(vm)["outcome"] == "Completed"


def test_a_host_that_is_not_attested_gets_no_keys(host: Host) -> None:
    host.node.attestation.status = "InsecureHostConfiguration"

    told = host.outcome()

    assert (told["outcome"], told["vm_state"]) == ("Failed", "Off")
    assert "InsecureHostConfiguration" in told["error_description"]


def test_a_guardian_that_the_owner_did_not_authorize_gets_no_keys(
    host: Host, workshop: Workshop, samples: dict[str, Sample], tmp_path: Path
) -> None:
    alone = Workshop(tmp_path / "alone", workshop.lab_folder, [], 7)
    disk = Path(samples["contoso-web"].template_disk)
    data = alone.for_template(disk, "contoso", "Shielded").shielding_data
    host.put(DATA, Path(data).read_bytes())

    told = host.outcome()

    assert told["outcome"] == "Failed"
    assert "is not authorized by the owner" in told["error_description"]


def test_turning_it_off_meanwhile_ends_it(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.world.timing = replace(host.world.timing, provision_ms=600_000)
    host.meanwhile(monkeypatch, changes.stop_now)

    told = host.outcome()

    assert told["outcome"] == "Failed"
    assert "turned off" in told["error_description"]


def test_a_regular_vm_has_a_new_disk_of_its_size_and_a_dvd(host: Host) -> None:
    iso = rf"{ROOT}\lib\setup.iso"
    host.put(iso, b"iso")

    vm = host.create(DiskPath="", NewDiskBytes=40 * GIB, IsoPath=iso)

    assert vm.disks[0].size_bytes == 40 * GIB
    assert (vm.dvds, vm.boots_from) == ([iso], iso)
    assert host.run("Get-VMDetail", VMId=vm.id)["disks"][0]["size_bytes"] == 40 * GIB
    assert host.run("Get-VMSecurityState", VMId=vm.id)["protection"] == "None"


@pytest.mark.parametrize("cmdlet", ["Move-Item", "New-VM", "Set-VMProcessor", "Set-VM"])
def test_what_was_cut_off_in_between_is_gone_on_with(host: Host, cmdlet: str) -> None:
    host.world.set_faults(host.node, [Fault(cmdlet, "error", "cut off", times=1)])
    with pytest.raises(CmdletError, match="cut off"):
        host.run("New-DeploymentVM", **making())

    vm = host.create()

    assert [one.name for one in host.cluster.vms].count("new-01") == 1
    assert vm.processors == 2
    assert DEPLOYMENT in vm.notes
    assert sorted(path for path in host.volume.files if path.startswith(FOLDER)) == [
        rf"{FOLDER}\new-01.vhdx"
    ]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"Name": "taken"}, "'taken' already"),
        ({"DiskPath": rf"{ROOT}\lib\none.vhdx"}, "does not exist"),
        ({"SwitchName": "Nowhere"}, 'switch with name "Nowhere"'),
        ({"MemoryBytes": 2 * GIB + 1}, "memory"),
        ({"ProcessorCount": 9}, "virtual processors"),
        ({"DiskPath": "", "NewDiskBytes": 0}, "Neither a disk"),
    ],
)
def test_what_a_host_can_not_make_is_refused_in_its_words(
    host: Host, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(CmdletError, match=words):
        host.run("New-DeploymentVM", **(making() | changed))


def test_a_volume_without_room_takes_no_copy(host: Host) -> None:
    host.volume.other_bytes += host.volume.size_bytes - host.volume.used_bytes

    with pytest.raises(CmdletError, match="not enough space"):
        host.run("New-DeploymentVM", **making())

    assert not [path for path in host.volume.files if path.startswith(FOLDER)]


def test_a_target_tells_what_it_has_and_stays_as_it_is(host: Host) -> None:
    before = host.world.document()

    told = host.run(
        "Test-DeploymentTarget",
        VolumePath=ROOT, SwitchName="wide", Name="TAKEN", MemoryBytes=GIB,
    )  # fmt: skip
    other = host.run("Test-DeploymentTarget", VolumePath=r"C:\none", Name="n", MemoryBytes=GIB << 9)

    assert told["volume_free_bytes"] == host.volume.size_bytes - host.volume.used_bytes
    assert (told["switch_found"], told["name_taken"], told["memory_enough"]) == (True, True, True)
    assert told["attestation"]["status"] == "Passed"
    assert other["volume_free_bytes"] is None
    assert (other["switch_found"], other["name_taken"]) == (False, False)
    assert other["memory_enough"] is False
    assert host.world.document()["clusters"] == before["clusters"]


@pytest.mark.parametrize("pairs", [{"ComputerName": "x"}, {"@ComputerName@": ""}, {"@A@": 3}])
def test_values_that_no_answer_file_can_take_are_refused(host: Host, pairs: Any) -> None:
    with pytest.raises(CmdletError, match=r"placeholder|has to be text"):
        host.run("New-DeploymentSpecialization", Path=VALUES, Pairs=pairs)

    assert VALUES not in host.volume.files

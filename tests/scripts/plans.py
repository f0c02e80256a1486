"""What each script is asked for on a host of a fabric: its plan. Every script needs one here, or a
word in ELSEWHERE of where it runs both ways instead.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from apps.lab.world import VM, Cluster, World
from tests.scripts.worlds import HOSTILE, KINDS

Parameters = dict[str, Any]
NOBODY = "00000000-0000-4000-8000-000000000000"
ACTIONS = ("Start", "ShutDown", "TurnOff", "Save", "Pause", "Resume", "Restart")
MOVING = ("Starting", "Stopping", "Saving", "Pausing", "Resuming")
SAMPLE = 5  # VMs of a host that are looked at one by one where there are many
MANY = 70
DEPLOYMENT = str(uuid.UUID(int=7))


@dataclass(frozen=True)
class Scene:
    """A host of a fabric."""

    world: World
    host: str

    @property
    def cluster(self) -> Cluster:
        return self.world.cluster_of(self.host)

    @property
    def vms(self) -> list[VM]:
        """The host's VMs; some of them where there are many."""
        rows = self.world.vms_of(self.host)
        return rows if len(rows) <= MANY else rows[:: len(rows) // SAMPLE]

    @property
    def volume(self) -> str:
        """The path of a volume, one that isn't there where there is none."""
        volumes = self.cluster.volumes
        return volumes[0].path if volumes else "C:\\ClusterStorage\\None"

    @property
    def is_first(self) -> bool:
        return self.cluster.nodes[0].name == self.host


def _nothing(scene: Scene) -> Iterator[Parameters]:
    yield {}


def _each_vm(scene: Scene) -> Iterator[Parameters]:
    for vm in scene.vms:
        yield {"VMId": vm.id}
    yield {"VMId": NOBODY}


def _drain(scene: Scene) -> Iterator[Parameters]:
    """Not where hundreds of VMs would move one after the other: a minute, and nothing new."""
    if scene.is_first:
        for node in scene.cluster.nodes if len(scene.cluster.vms) < 200 else ():
            yield {"Name": node.name.upper(), "TimeoutSeconds": 60}
        yield {"Name": "nowhere"}


def _resume(scene: Scene) -> Iterator[Parameters]:
    if scene.is_first:
        for node in scene.cluster.nodes:
            yield {"Name": node.name}
            yield {"Name": node.name.upper(), "Failback": "nofailback"}
        yield {"Name": "nowhere", "Failback": "Policy"}


def _guardian(scene: Scene) -> Iterator[Parameters]:
    addresses = [guardian.address for guardian in scene.world.guardians] + ["nobody.example.test"]
    for address in addresses:
        yield {
            "AttestationServerUrl": f"HTTP://{address}/Attestation",
            "KeyProtectionServerUrl": f"http://{address}/KeyProtection",
        }


def _target(scene: Scene) -> Iterator[Parameters]:
    names = [*[vm.name for vm in scene.vms][:3], "new-01", HOSTILE["brackets"]]
    switches = [row.name for row in scene.cluster.switches]
    for number, name in enumerate(names):
        yield {
            "VolumePath": scene.volume + ("\\" if number % 2 else ""),
            "Name": name.upper(),
            "SwitchName": switches[number % len(switches)] if switches else "none",
            "MemoryBytes": (1 << 30) << (number * 4),
        }
    for volume in scene.cluster.volumes:
        yield {"VolumePath": volume.path.lower(), "Name": "x"}
    yield {"VolumePath": "C:\\", "Name": "x", "SwitchName": "*"}


def _power(scene: Scene) -> Iterator[Parameters]:
    """Every action; what is under way and doesn't end takes a second each, so only a few there."""
    for number, vm in enumerate(scene.vms):
        if vm.state not in MOVING:
            for action in ACTIONS:
                yield {"VMId": vm.id, "Action": action}
        elif vm.name.startswith(KINDS[MOVING.index(vm.state)]):
            action = ACTIONS[number % len(ACTIONS)]
            yield {"VMId": vm.id, "Action": action.lower(), "TimeoutSeconds": 1}
    yield {"VMId": NOBODY, "Action": "Start"}


def _hardware(scene: Scene) -> Iterator[Parameters]:
    for vm in scene.vms:
        yield {"VMId": vm.id, "ProcessorCount": vm.processors + 1}
        yield {"VMId": vm.id, "MemoryStartupBytes": vm.memory_bytes + (2 << 20)}
    for vm in scene.vms[:1]:
        yield {"VMId": vm.id, "ProcessorCount": 2048}
        yield {"VMId": vm.id, "MemoryStartupBytes": 1}
        yield {"VMId": vm.id, "ProcessorCount": vm.processors}
        yield {"VMId": vm.id.upper()}
    yield {"VMId": NOBODY, "ProcessorCount": 1}


def _checkpoint(scene: Scene) -> Iterator[Parameters]:
    names = [name[:100] for name in HOSTILE.values()]
    for number, vm in enumerate(scene.vms):
        yield {"VMId": vm.id, "Name": names[number % len(names)]}
    yield {"VMId": NOBODY, "Name": "x"}


def _each_checkpoint(scene: Scene) -> Iterator[Parameters]:
    for vm in scene.vms:
        for row in vm.checkpoints[:1]:
            yield {"VMId": vm.id, "CheckpointId": row.id.upper()}
    for vm in scene.vms[:1]:
        yield {"VMId": vm.id, "CheckpointId": NOBODY}
    yield {"VMId": NOBODY, "CheckpointId": NOBODY}


def _move(scene: Scene) -> Iterator[Parameters]:
    nodes = scene.cluster.nodes
    for number, vm in enumerate(scene.vms):
        node = nodes[(number + 1) % len(nodes)]
        kind = "quick" if number % 2 else "Live"
        yield {"VMId": vm.id, "Node": node.name.upper(), "MigrationType": kind}
    for vm in scene.vms[:1]:
        for node in nodes:
            yield {"VMId": vm.id, "Node": node.name}
        yield {"VMId": vm.id, "Node": "nowhere"}
    yield {"VMId": NOBODY, "Node": nodes[0].name}


def _move_files(scene: Scene) -> Iterator[Parameters]:
    volumes = scene.cluster.volumes
    for number, vm in enumerate(scene.vms):
        path = volumes[number % len(volumes)].path if volumes else "C:\\"
        yield {"VMId": vm.id, "VolumePath": path + "\\"}
    for vm in scene.vms[:1]:
        yield {"VMId": vm.id, "VolumePath": "D:\\none"}
        for path in (vm.path.rpartition("\\")[0].upper(), vm.path, vm.path[:-1]):
            yield {"VMId": vm.id, "VolumePath": path}
        taken = vm.path.rpartition("\\")[2]
        other = volumes[-1].path if volumes else "C:\\"
        yield {"VMId": vm.id, "VolumePath": f"{other}\\{taken}\\.."}
    yield {"VMId": NOBODY, "VolumePath": "C:\\"}


def _remove_vm(scene: Scene) -> Iterator[Parameters]:
    for number, vm in enumerate(scene.vms):
        more: Parameters = {"IncludeDisks": True} if number % 2 else {"Folder": vm.path}
        yield {"VMId": vm.id, "Name": vm.name, **more}
    elsewhere = [vm for vm in scene.cluster.vms if vm.node != scene.host][:2]
    for vm in elsewhere:
        yield {"VMId": vm.id, "Name": vm.name, "Clustered": vm.clustered}
    paths = [disk.path for vm in scene.vms[:2] for disk in vm.disks]
    yield {"VMId": NOBODY, "Name": "gone", "Files": [*paths, "", *paths], "Folder": scene.volume}
    yield {"Name": "gone", "Files": ["C:\\none"]}


def _staged(scene: Scene) -> Iterator[Parameters]:
    yield {"Paths": [disk.path for vm in scene.vms[:3] for disk in vm.disks] or ["C:\\none"]}
    yield {"Paths": ["C:\\none"]}


def _make(scene: Scene) -> Iterator[Parameters]:
    switches = [row.name for row in scene.cluster.switches] or [""]
    sizes = {"NewDiskBytes": 40 << 30, "MemoryBytes": 2 << 30}
    for number, name in enumerate(HOSTILE.values()):
        if set(name) & set('\\/:*?"<>|\n\r\t'):
            continue
        yield {
            "DeploymentId": DEPLOYMENT.upper(), "Name": name,
            "SwitchName": switches[number % 2 - 1],
            "Folder": f"{scene.volume}\\new {number}\\", **sizes,
        }  # fmt: skip
    folder = f"{scene.volume}\\new"
    for vm in scene.vms[:5]:
        yield {"DeploymentId": DEPLOYMENT, "Name": vm.name.upper(), "Folder": folder, **sizes}
        yield {"DeploymentId": DEPLOYMENT, "Name": vm.name, "Folder": vm.path, **sizes}
    for more in (
        {}, {"SwitchName": "nowhere"}, {"ProcessorCount": 2048}, {"NewDiskBytes": 1},
        {"NewDiskBytes": 0}, {"MemoryBytes": (32 << 20) + 1}, {"IsoPath": "C:\\none.iso"},
        {"DiskPath": "C:\\none.vhdx"}, {"Folder": "D:\\none"},
    ):  # fmt: skip
        yield {"DeploymentId": DEPLOYMENT, "Name": "new-01", "Folder": folder, **sizes, **more}
    for vm in scene.vms[:1]:
        disk = vm.disks[0].path
        yield {
            "DeploymentId": DEPLOYMENT, "Name": "new-01", "Folder": folder, "DiskPath": disk,
            "IsoPath": disk, "MemoryBytes": 1 << 30, "ProcessorCount": 4,
        }  # fmt: skip


def _shield(scene: Scene) -> Iterator[Parameters]:
    for vm in scene.vms:
        yield {"VMId": vm.id, "ShieldingDataPath": "C:\\none.pdk"}
    yield {"VMId": NOBODY, "ShieldingDataPath": "C:\\none.pdk"}


def _values(scene: Scene) -> Iterator[Parameters]:
    path = f"{scene.volume}\\new\\values.fsk"
    yield {"Path": path, "Pairs": {f"@{n}@": value for n, value in enumerate(HOSTILE.values())}}
    yield {"Path": path}
    for disk in (disk for vm in scene.vms[:1] for disk in vm.disks):
        yield {"Path": disk.path, "Pairs": {"@ComputerName@": "pc"}}
    for key, value in (
        ("ComputerName", "x"), ("@a@b@", "x"), ("@@", "x"), ("@a\nb@", "x"), ("@a@\n", "x"),
        ("@a@", ""), ("@a@", None), ("@a@", 5), ("@a@", ["x"]), ("@a@", {"b": "c"}),
    ):  # fmt: skip
        yield {"Path": path, "Pairs": {key: value}}
    yield {"Path": "D:\\none\\values.fsk", "Pairs": {"@a@": "x"}}


def _provision(scene: Scene) -> Iterator[Parameters]:
    for vm in scene.vms:
        yield {"VMId": vm.id, "ShieldingDataPath": "C:\\none", "SpecializationPath": "C:\\none"}
    yield {"VMId": NOBODY, "ShieldingDataPath": "x", "SpecializationPath": "y"}


def _into_cluster(scene: Scene) -> Iterator[Parameters]:
    for vm in scene.vms:
        yield {"VMId": vm.id, "Name": vm.name}
    yield {"VMId": NOBODY, "Name": "x"}


def _two_paths(first: str, second: str) -> Callable[[Scene], Iterator[Parameters]]:
    def plan(scene: Scene) -> Iterator[Parameters]:
        yield {first: "C:\\none", second: f"{scene.volume}\\none"}
        for disk in (disk for vm in scene.vms[:1] for disk in vm.disks):
            yield {first: disk.path, second: f"{scene.volume}\\none"}
            yield {first: f"{scene.volume}\\none", second: disk.path}

    return plan


def _gaps(home: str, *members: str) -> Callable[[Scene], Iterator[Parameters]]:
    def plan(scene: Scene) -> Iterator[Parameters]:
        rows = ["|".join((home, *members)), f"{home}|Nothing", "none|none", "none|none|x|y"]
        yield {"Needed": rows}
        yield {"Needed": [home]}

    return plan


def _process(scene: Scene) -> Iterator[Parameters]:
    yield {"ProcessId": 4}
    yield {"ProcessId": 2147483647}


def _one_path(scene: Scene) -> Iterator[Parameters]:
    yield {"Path": f"{scene.volume}\\none"}
    for disk in (disk for vm in scene.vms[:1] for disk in vm.disks):
        yield {"Path": disk.path}


PLANS: dict[str, Callable[[Scene], Iterator[Parameters]]] = {
    "Get-ClusterInventory": _nothing,
    "Get-HostInventory": _nothing,
    "Test-HostReadiness": _nothing,
    "Get-HostDiagnostics": _nothing,
    "Get-HostQuotas": _nothing,
    "Get-CommandGaps": _gaps("Hyper-V|Stop-VM", "TurnOff", "Force"),
    "Get-ClassGaps": _gaps("root/msps|Msps_ProvisioningFileProcessor", "PopulateFromFile"),
    "Get-ProcessFacts": _process,
    "Suspend-HostWithDrain": _drain,
    "Resume-HostWithFailback": _resume,
    "Set-HostGuardian": _guardian,
    "Get-VMDetail": _each_vm,
    "Get-VMSecurityState": _each_vm,
    "Set-VMPowerState": _power,
    "Set-VMHardware": _hardware,
    "New-VMSnapshotPoint": _checkpoint,
    "Restore-VMSnapshotPoint": _each_checkpoint,
    "Remove-VMSnapshotPoint": _each_checkpoint,
    "Move-ClusteredVM": _move,
    "Move-VMFiles": _move_files,
    "Remove-DeployedVM": _remove_vm,
    "Remove-StagedFile": _staged,
    "Test-DeploymentTarget": _target,
    "New-DeploymentVM": _make,
    "Set-DeploymentShielding": _shield,
    "New-DeploymentSpecialization": _values,
    "Invoke-DeploymentProvisioning": _provision,
    "Add-DeploymentToCluster": _into_cluster,
    "Get-TemplateDiskFacts": _two_paths("Path", "CatalogPath"),
    "Get-ShieldingDataFacts": _one_path,
    "Test-PairApplicability": _two_paths("CatalogPath", "ShieldingDataPath"),
}

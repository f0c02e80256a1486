"""A small fabric with real files in which every script has all of its work to do, and that work.

WORK lists for each script the calls that between them run each of its commands and each `throw`;
the tests fail where one is not reached. ODD are answers of cmdlets that no lab gives by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.lab.files import vsc
from apps.lab.files.samples import Sample
from apps.lab.world import World, files
from apps.lab.world.build import stable_id
from tests.scripts.plans import NOBODY
from tests.scripts.worlds import Fabric
from tests.scripts.worlds import cluster as cluster_of
from tests.scripts.worlds import fabric as fabric_of

HOST = "n1"
ROOT = "C:\\ClusterStorage\\One"
LIBRARY = f"{ROOT}\\lib"
NEW = f"{ROOT}\\new-01"
DISK, DATA, CATALOG = f"{LIBRARY}\\t.vhdx", f"{LIBRARY}\\d.pdk", f"{LIBRARY}\\c.vsc"
OTHER_DATA, VALUES, ISO = f"{LIBRARY}\\other.pdk", f"{NEW}\\values.fsk", f"{LIBRARY}\\s.iso"
GIB = 1 << 30
Parameters = dict[str, Any]


def fabric(samples: dict[str, Sample], lab: Path) -> Fabric:
    """`samples` are the demo's files, `lab` the lab's folder whose keys made them."""

    def prepare(world: World) -> None:
        cluster = world.clusters[0]
        disk = Path(samples["contoso-web"].template_disk)
        content = {
            DISK: disk.read_bytes(),
            DATA: Path(samples["contoso-web"].shielding_data).read_bytes(),
            OTHER_DATA: Path(samples["contoso-other-template"].shielding_data).read_bytes(),
            CATALOG: vsc.saved_from_disk(disk, lab),
            ISO: b"iso",
            f"{NEW}\\new-01.vhdx.part.vhdx": b"cut off",
            f"{VALUES}": b"of before",
        }
        with world.locked():
            for path, raw in content.items():
                files.put(world, cluster, path, raw)

    nodes = [
        {"name": "n1", "attestation": {"status": "Passed"}},
        {"name": "n2", "attestation": {"status": "Passed"}},
        {"name": "resting", "paused": True},
    ]
    vms = [
        {"name": "off", "node": "n1", "state": "Off", "checkpoints": 2},
        {"name": "running", "node": "n1", "state": "Running"},
        {"name": "paused", "node": "n1", "state": "Paused"},
        {"name": "lone", "node": "n1", "state": "Off", "clustered": False},
        {"name": "ready", "node": "n1", "state": "Off", "protection": "Shielded"},
        {"name": "old", "node": "n1", "state": "Off", "generation": 1},
        {"name": "elsewhere", "node": "n2", "state": "Running"},
        {"name": "starting", "node": "n1", "state": "Starting"},
        {"name": "huge", "node": "n1", "state": "Running", "memory_gib": 200},
    ]
    return fabric_of(
        {
            "clusters": [
                cluster_of(nodes=nodes, vms=vms, health_faults=[{"type": "F", "reason": "R"}])
            ]
        },
        prepare,
    )


def _checkpoint(number: int) -> str:
    return stable_id("checkpoint", stable_id("vm", "example.test", "c", "off", 1), number)


def _power(vm: str, action: str, **more: Any) -> Parameters:
    return {"VMId": f"{{{vm}}}", "Action": action, **more}


MAKING: Parameters = {
    "DeploymentId": str(NOBODY), "Name": "new-01", "Folder": NEW, "DiskPath": DISK,
    "MemoryBytes": 2 * GIB, "ProcessorCount": 2, "SwitchName": "Wide", "IsoPath": ISO,
}  # fmt: skip
URLS = {
    "AttestationServerUrl": "http://other.example.test/Attestation",
    "KeyProtectionServerUrl": "http://other.example.test/KeyProtection",
}
PROVISIONING: Parameters = {
    "VMId": "{ready}", "ShieldingDataPath": DATA, "SpecializationPath": VALUES, "TimeoutSeconds": 1,
}  # fmt: skip
WORK: dict[str, list[Parameters]] = {
    "Get-ClusterInventory": [{}],
    "Get-HostInventory": [{}],
    "Test-HostReadiness": [{}],
    "Get-HostDiagnostics": [{}],
    "Get-HostQuotas": [{}],
    "Get-ClassGaps": [{"Needed": [
        "root/msps|Msps_ProvisioningFileProcessor|PopulateFromFile|Nothing", "root/msps|None",
    ]}],
    "Get-ProcessFacts": [{"ProcessId": 4}],
    "Suspend-HostWithDrain": [{"Name": "n2"}, {"Name": "n1"}],
    "Resume-HostWithFailback": [{"Name": "resting"}, {"Name": "n1"}],
    "Set-HostGuardian": [URLS],
    "Get-VMDetail": [{"VMId": "{off}"}],
    "Get-VMSecurityState": [{"VMId": "{running}"}],
    "Set-VMPowerState": [
        _power("off", "Start"), _power("running", "ShutDown"), _power("running", "TurnOff"),
        _power("running", "Save"), _power("running", "Pause"), _power("paused", "Resume"),
        _power("running", "Restart"),
        _power("running", "Restart", RestartedWithinMilliseconds=1 << 60),
        _power("starting", "Start", TimeoutSeconds=1),
    ],
    "Set-VMHardware": [{"VMId": "{off}", "ProcessorCount": 3, "MemoryStartupBytes": GIB}],
    "New-VMSnapshotPoint": [
        {"VMId": "{off}", "Name": "before"}, {"VMId": "{off}", "Name": "before"},
    ],
    "Restore-VMSnapshotPoint": [
        {"VMId": "{off}", "CheckpointId": _checkpoint(0)},
        {"VMId": "{off}", "CheckpointId": NOBODY},
    ],
    "Remove-VMSnapshotPoint": [{"VMId": "{off}", "CheckpointId": _checkpoint(0)}],
    "Move-ClusteredVM": [{"VMId": "{running}", "Node": "n2"}],
    "Move-VMFiles": [{"VMId": "{off}", "VolumePath": "C:\\ClusterStorage\\Two"}],
    "Remove-DeployedVM": [
        {"VMId": "{running}", "Name": "running", "IncludeDisks": True, "Folder": NEW},
        {"VMId": "{elsewhere}", "Name": "elsewhere"},
    ],
    "Remove-StagedFile": [{"Paths": [ISO, DATA]}],
    "Test-DeploymentTarget": [{"VolumePath": ROOT, "Name": "OFF", "SwitchName": "wide"}],
    "New-DeploymentVM": [
        MAKING,
        {**MAKING, "DiskPath": "", "NewDiskBytes": 40 * GIB, "Folder": f"{ROOT}\\none"},
        {**MAKING, "DiskPath": ""},
        {**MAKING, "Name": "off"},
    ],
    "Set-DeploymentShielding": [
        {"VMId": "{lone}", "ShieldingDataPath": DATA}, {"VMId": "{old}", "ShieldingDataPath": DATA},
    ],
    "New-DeploymentSpecialization": [
        {"Path": VALUES, "Pairs": {"@ComputerName@": "pc"}},
        {"Path": VALUES, "Pairs": {"ComputerName": "pc"}},
        {"Path": VALUES, "Pairs": {"@ComputerName@": ""}},
    ],
    "Invoke-DeploymentProvisioning": [{**PROVISIONING, "VMId": "{running}"}, PROVISIONING],
    "Add-DeploymentToCluster": [
        {"VMId": "{lone}", "Name": "lone"}, {"VMId": "{off}", "Name": "off"},
    ],
    "Get-TemplateDiskFacts": [{"Path": DISK, "CatalogPath": CATALOG}],
    "Get-ShieldingDataFacts": [{"Path": DATA}, {"Path": CATALOG}],
    "Test-PairApplicability": [
        {"CatalogPath": CATALOG, "ShieldingDataPath": OTHER_DATA},
        {"CatalogPath": CATALOG, "ShieldingDataPath": DATA},
        {"CatalogPath": DATA, "ShieldingDataPath": CATALOG},
    ],
}  # fmt: skip


# ---- what no lab answers by itself
@dataclass(frozen=True)
class Odd:
    """A call during which the objects of a cmdlet, or of some, are changed on their way out."""

    script: str
    cmdlet: str | tuple[str, ...]
    parameters: Parameters
    change: Callable[[list[Any]], list[Any]]


def _with(**values: Any) -> Callable[[list[Any]], list[Any]]:
    return lambda rows: [{**row, **values} for row in rows]


def _without(*names: str) -> Callable[[list[Any]], list[Any]]:
    return lambda rows: [{k: v for k, v in row.items() if k not in names} for row in rows]


def _none(rows: list[Any]) -> list[Any]:
    return []


_SHIELD = {"VMId": "{lone}", "ShieldingDataPath": DATA}
_RESULT = {"Title": "T", "Status": "Fail", "Description": "D", "Category": "C"}
_JOB = "Get-ShieldedVMProvisioningStatus"
ODD = [
    Odd("Suspend-HostWithDrain", "Get-ClusterNode", {"Name": "n2", "TimeoutSeconds": 1},
        _with(DrainStatus="InProgress")),
    Odd("Suspend-HostWithDrain", "Get-ClusterNode", {"Name": "n2"}, _with(DrainStatus="Failed")),
    Odd("Move-ClusteredVM", "Get-ClusterGroup", {"VMId": "{running}", "Node": "n2"},
        _with(OwnerNode="n1")),
    Odd("Suspend-HostWithDrain", "Get-ClusterNode", {"Name": "n2", "TimeoutSeconds": 1},
        _with(State="Paused", DrainStatus="InProgress")),
    Odd("Move-ClusteredVM", "Get-ClusterGroup",
        {"VMId": "{running}", "Node": "n2", "TimeoutSeconds": 1},
        _with(OwnerNode="n1", StatusInformation=5)),
    Odd("Set-DeploymentShielding", "Invoke-CimMethod", _SHIELD, _with(ReturnValue=32773)),
    Odd("Set-DeploymentShielding", "Invoke-CimMethod", _SHIELD, _with(ReturnValue=0)),
    Odd("Set-DeploymentShielding", "Invoke-CimMethod", _SHIELD,
        _with(Job={"JobState": 10, "ErrorDescription": "no $(x) today"})),
    Odd("Get-TemplateDiskFacts", "Invoke-CimMethod", {"Path": DISK, "CatalogPath": CATALOG},
        _with(ProvisioningFile={"Version": "1"})),
    Odd("Get-ShieldingDataFacts", "Import-ShieldingDataFile", {"Path": DATA}, _without("Policy")),
    Odd("Get-ShieldingDataFacts", "Import-ShieldingDataFile", {"Path": DATA},
        _without("SubstitutionKeys")),
    Odd("Get-HostDiagnostics", "Get-HgsTrace", {}, _none),
    Odd("Get-HostDiagnostics", "Get-HgsTrace", {}, _without("Results", "OverallResult")),
    Odd("Get-HostDiagnostics", "Get-HgsTrace", {}, _with(OverallResult="")),
    Odd("Get-HostDiagnostics", "Get-HgsTrace", {}, _with(Results=[_RESULT, {}], Result="R")),
    Odd("Get-ClusterInventory", "Get-StorageSubSystem", {}, _none),
    Odd("Get-ClusterInventory", "Debug-StorageSubSystem", {}, _with(PerceivedSeverity=7)),
    Odd("Get-HostInventory", "Get-HgsClientConfiguration", {},
        _with(AttestationSubstatus="SecureBoot,Iommu,  DebugMode")),
    Odd("Get-VMDetail", "Get-VHD", {"VMId": "{off}"}, _none),
    Odd("Test-HostReadiness", "Get-Module", {}, _none),
    Odd("Test-HostReadiness", "Get-Cluster", {}, _none),
    Odd("Test-DeploymentTarget", "Get-HgsClientConfiguration", {"VolumePath": ROOT, "Name": "x"},
        _none),
    *(Odd("Invoke-DeploymentProvisioning", _JOB, PROVISIONING,
          lambda rows, state=state: [{"JobState": state, "PercentComplete": 50, "ErrorCode": 5,
                                      "ErrorDescription": "why", "JobStatus": "x"}])
      for state in (2, 3, 7, 8, 9, 10, 12)),
    Odd("Invoke-DeploymentProvisioning", (_JOB, "Get-VM"), PROVISIONING,
        lambda rows: [{**row, "State": "Off"} for row in rows if "JobState" not in row]),
    Odd("Move-VMFiles", "Get-VM",
        {"VMId": "{off}", "VolumePath": "C:\\ClusterStorage\\Two", "TimeoutSeconds": 1},
        _with(OperationalStatus=["InService", "StorageMigrationPhaseTwo"])),
]  # fmt: skip

"""The scripts of apps/fabric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.lab.cmdlets.errors import CmdletError
from apps.lab.handlers.common import (
    POLL_SECONDS,
    attestation_of,
    iso,
    protection_of,
    security_by_vm,
    text,
    thrown,
    unique,
)

if TYPE_CHECKING:
    from apps.lab.engine import HandlerContext

SEVERITIES = {"4": "Information", "5": "Warning", "6": "Critical"}
VIRTUALIZATION = "root/virtualization/v2"


def get_cluster_inventory(ctx: HandlerContext) -> dict[str, Any]:
    cluster = ctx.one("Get-Cluster")
    interfaces = ctx.run("Get-ClusterNetworkInterface")
    nodes = [_node(row, cluster, interfaces) for row in ctx.run("Get-ClusterNode")]
    resources = ctx.run(
        "Get-CimInstance",
        Namespace="root/MSCluster",
        ClassName="MSCluster_Resource",
        Filter="Type='Virtual Machine'",
    )
    machines = {row["OwnerGroup"]: row["PrivateProperties"]["VmID"].lower() for row in resources}
    groups = [_group(row, machines) for row in _vm_groups(ctx)]
    volumes = [
        _volume(row, part)
        for row in ctx.run("Get-ClusterSharedVolume")
        for part in row["SharedVolumeInfo"]
    ]
    storage = ctx.quiet("Get-StorageSubSystem", FriendlyName="Clustered*")
    faults = []
    if storage:
        name = storage[0]["FriendlyName"]
        faults = ctx.run("Debug-StorageSubSystem", StorageSubSystemFriendlyName=name)
    return {
        "cluster": {"name": text(cluster["Name"]), "domain": text(cluster["Domain"])},
        "nodes": nodes,
        "groups": groups,
        "volumes": volumes,
        "faults": [_fault(row) for row in faults],
    }


def _node(row: dict[str, Any], cluster: dict[str, Any], interfaces: list[Any]) -> dict[str, Any]:
    return {
        "name": text(row["Name"]),
        "fqdn": f"{row['Name']}.{cluster['Domain']}",
        "state": text(row["State"]),
        "drain": text(row["DrainStatus"]),
        "addresses": [text(i["Address"]) for i in interfaces if i["Node"] == row["Name"]],
    }


def _vm_groups(ctx: HandlerContext) -> list[dict[str, Any]]:
    return [row for row in ctx.run("Get-ClusterGroup") if row["GroupType"] == "VirtualMachine"]


def _group(row: dict[str, Any], machines: dict[str, str]) -> dict[str, Any]:
    return {
        "name": text(row["Name"]),
        "vm_id": machines.get(row["Name"]),
        "owner_node": text(row["OwnerNode"]),
        "state": text(row["State"]),
    }


def _volume(row: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    path = text(part["FriendlyVolumeName"])
    return {
        "name": path.rpartition("\\")[2],
        "path": path,
        "owner_node": text(row["OwnerNode"]),
        "state": text(row["State"]),
        "file_system": text(part["Partition"]["FileSystem"]),
        "size_bytes": part["Partition"]["Size"],
        "free_bytes": part["Partition"]["FreeSpace"],
    }


def _fault(row: dict[str, Any]) -> dict[str, Any]:
    severity = text(row["PerceivedSeverity"])
    return {
        "id": text(row["FaultId"]),
        "type": text(row["FaultType"]),
        "severity": SEVERITIES.get(severity, severity),
        "reason": text(row["Reason"]),
        "object": text(row["FaultingObjectDescription"]),
        "location": text(row["FaultingObjectLocation"]),
        "actions": [text(action) for action in row["RecommendedActions"]],
        "time": iso(row["EventTime"]),
    }


def get_host_inventory(ctx: HandlerContext) -> dict[str, Any]:
    system = ctx.one("Get-CimInstance", ClassName="Win32_OperatingSystem")
    computer = ctx.one("Get-CimInstance", ClassName="Win32_ComputerSystem")
    switches = [
        {"id": text(row["Id"]).lower(), "name": text(row["Name"]), "type": text(row["SwitchType"])}
        for row in ctx.run("Get-VMSwitch")
    ]
    attestation, problem = None, None
    try:
        attestation = attestation_of(ctx.one("Get-HgsClientConfiguration"))
    except CmdletError as error:
        problem = error.message
    rows = ctx.run(
        "Get-CimInstance", Namespace=VIRTUALIZATION, ClassName="Msvm_SecuritySettingData"
    )
    security = security_by_vm(rows)
    networks = _networks(ctx)
    return {
        "vms": [_vm(row, security, networks) for row in ctx.run("Get-VM")],
        "host": _host(system, computer),
        "attestation": attestation,
        "attestation_problem": problem,
        "switches": switches,
    }


def _networks(ctx: HandlerContext) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in ctx.run("Get-VMNetworkAdapter", All=True):
        if not row["IsManagementOs"] and row["SwitchName"]:
            found.setdefault(text(row["VMId"]).lower(), []).append(row["SwitchName"])
    return found


def _host(system: dict[str, Any], computer: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": text(computer["DNSHostName"]),
        "fqdn": f"{computer['DNSHostName']}.{computer['Domain']}",
        "os": text(system["Caption"]),
        "os_version": text(system["Version"]),
        "processors": computer["NumberOfLogicalProcessors"],
        "memory_bytes": system["TotalVisibleMemorySize"] * 1024,
        "memory_available_bytes": system["FreePhysicalMemory"] * 1024,
        "booted_at": iso(system["LastBootUpTime"]),
        "time": iso(system["LocalDateTime"]),
    }


def _vm(
    row: dict[str, Any], security: dict[str, dict[str, Any]], networks: dict[str, list[str]]
) -> dict[str, Any]:
    vm_id = text(row["Id"]).lower()
    return {
        "vm_id": vm_id,
        "name": text(row["Name"]),
        "state": text(row["State"]),
        "generation": row["Generation"],
        "processors": row["ProcessorCount"],
        "cpu_percent": row["CPUUsage"],
        "memory_startup_bytes": row["MemoryStartup"],
        "memory_assigned_bytes": row["MemoryAssigned"],
        "uptime_seconds": int(row["Uptime"].total_seconds()),
        "clustered": bool(row["IsClustered"]),
        "notes": text(row["Notes"]),
        "path": text(row["Path"]),
        **protection_of(security.get(vm_id), row["Generation"]),
        "switches": unique(networks.get(vm_id, [])),
    }


def test_host_readiness(ctx: HandlerContext) -> dict[str, Any]:
    system = ctx.one("Get-CimInstance", ClassName="Win32_OperatingSystem")
    wanted = ["Hyper-V", "FailoverClusters", "HgsClient"]
    found = [row["Name"] for row in ctx.run("Get-Module", ListAvailable=True, Name=wanted)]
    modules = {name: name in found for name in wanted}
    administrator = bool(ctx.quiet("Get-VMHost"))
    own = ctx.quiet("Get-Cluster") if modules["FailoverClusters"] else []
    return {
        "computer_name": text(system["CSName"]),
        "ps_version": "5.1.20348",
        "os": text(system["Caption"]),
        "is_administrator": administrator,
        "modules": modules,
        "cluster": {"name": own[0]["Name"]} if own else None,
    }


def suspend_host_with_drain(
    ctx: HandlerContext,
    Name: str,
    TimeoutSeconds: int = 1800,
) -> dict[str, Any]:
    node = ctx.one("Get-ClusterNode", Name=Name)
    total = _role_count(ctx, Name)
    if node["State"] != "Paused" or node["DrainStatus"] not in ("Completed", "InProgress"):
        ctx.run("Suspend-ClusterNode", Name=Name, Drain=True)
    node = ctx.one("Get-ClusterNode", Name=Name)
    for _ in range(int(TimeoutSeconds / POLL_SECONDS)):
        if node["DrainStatus"] != "InProgress":
            break
        left = _role_count(ctx, Name)
        percent = 95 * (total - left) // total if total else 50
        ctx.progress(max(0, percent), f"{left} of {total} virtual machines are still on {Name}")
        ctx.session.pause(POLL_SECONDS)
        node = ctx.one("Get-ClusterNode", Name=Name)
    return _drained(ctx, node, Name, TimeoutSeconds)


def _drained(ctx: HandlerContext, node: dict[str, Any], name: str, seconds: int) -> dict[str, Any]:
    if node["DrainStatus"] == "InProgress":
        raise thrown(f"The drain of '{name}' has not ended within {seconds} seconds.")
    if node["DrainStatus"] == "Failed":
        raise thrown(
            f"The drain of '{name}' failed: {_role_count(ctx, name)} virtual machines could not "
            "be moved to another node."
        )
    return {"state": text(node["State"]), "drain": text(node["DrainStatus"])}


def _role_count(ctx: HandlerContext, name: str) -> int:
    return sum(row["OwnerNode"].casefold() == name.casefold() for row in _vm_groups(ctx))


def resume_host_with_failback(
    ctx: HandlerContext, Name: str, Failback: str = "Immediate"
) -> dict[str, Any]:
    node = ctx.one("Get-ClusterNode", Name=Name)
    if node["State"] == "Paused":
        ctx.run("Resume-ClusterNode", Name=Name, Failback=Failback)
        node = ctx.one("Get-ClusterNode", Name=Name)
    return {"state": text(node["State"]), "drain": text(node["DrainStatus"])}


HANDLERS = {
    "Get-ClusterInventory": get_cluster_inventory,
    "Get-HostInventory": get_host_inventory,
    "Test-HostReadiness": test_host_readiness,
    "Suspend-HostWithDrain": suspend_host_with_drain,
    "Resume-HostWithFailback": resume_host_with_failback,
}

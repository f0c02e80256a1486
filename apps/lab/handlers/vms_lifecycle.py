"""The scripts of apps/vms that read, run, move and remove virtual machines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from apps.lab.handlers.common import (
    POLL_SECONDS,
    iso,
    protection_of,
    security_by_vm,
    text,
    thrown,
    unique,
)

if TYPE_CHECKING:
    from apps.lab.engine import HandlerContext

SETTLED = ("Running", "Off", "Saved", "Paused")
GOALS = {
    "Start": "Running",
    "ShutDown": "Off",
    "TurnOff": "Off",
    "Save": "Saved",
    "Pause": "Paused",
    "Resume": "Running",
    "Restart": "",
}
ORDERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Start": ("Start-VM", ()),
    "ShutDown": ("Stop-VM", ("Force",)),
    "TurnOff": ("Stop-VM", ("TurnOff", "Force")),
    "Save": ("Save-VM", ()),
    "Pause": ("Suspend-VM", ()),
    "Resume": ("Resume-VM", ()),
    "Restart": ("Restart-VM", ("Force",)),
}
MOVING = 5  # StatusInformation: locked, or waiting in the queue for a move
QUIET_LOOKS = 4


def set_vm_power_state(
    ctx: HandlerContext,
    VMId: str,
    Action: str,
    TimeoutSeconds: int = 300,
    RestartedWithinMilliseconds: int = 0,
) -> dict[str, Any]:
    action = next((name for name in GOALS if name.casefold() == Action.casefold()), None)
    if action is None:
        raise thrown(f"The action {Action} is not known.")
    vm = _settled(ctx, VMId, TimeoutSeconds)
    restarted = vm["Uptime"].total_seconds() * 1000 < RestartedWithinMilliseconds
    goal = "Running" if action == "Restart" and restarted else GOALS[action]
    if vm["State"] != goal:
        ctx.progress(10, f"{vm['Name']} is {vm['State']}")
        cmdlet, switches = ORDERS[action]
        ctx.run(cmdlet, VM=vm, inputs=None, **dict.fromkeys(switches, True))
        vm = ctx.one("Get-VM", Id=VMId)
    return {
        "vm_id": text(vm["Id"]).lower(),
        "name": text(vm["Name"]),
        "state": text(vm["State"]),
        "uptime_seconds": int(vm["Uptime"].total_seconds()),
    }


def _settled(ctx: HandlerContext, vm_id: str, seconds: int) -> dict[str, Any]:
    vm: dict[str, Any] = ctx.one("Get-VM", Id=vm_id)
    for _ in range(int(seconds / POLL_SECONDS)):
        if vm["State"] in SETTLED or vm["State"].endswith("Critical"):
            break
        ctx.progress(5, f"{vm['Name']} is {vm['State']}")
        ctx.session.pause(POLL_SECONDS)
        vm = ctx.one("Get-VM", Id=vm_id)
    return vm


def move_clustered_vm(
    ctx: HandlerContext,
    VMId: str,
    Node: str,
    MigrationType: str = "Live",
    TimeoutSeconds: int = 1800,
) -> dict[str, Any]:
    group = ctx.one("Get-ClusterGroup", VMId=VMId)
    if not _is_on(group, Node):
        if not group["StatusInformation"] & MOVING:
            ctx.progress(5, f"Moving {group['Name']} from {group['OwnerNode']} to {Node}")
            ctx.run(
                "Move-ClusterVirtualMachineRole",
                VMId=VMId,
                Node=Node,
                MigrationType=MigrationType,
                Wait=0,
            )
        group = _follow(ctx, VMId, Node, TimeoutSeconds)
    if not _is_on(group, Node):
        raise thrown(
            f"'{group['Name']}' is still on {group['OwnerNode']}: the move to {Node} did not "
            "succeed. The cluster's event log says why."
        )
    return {"owner_node": text(group["OwnerNode"]), "state": text(group["State"])}


def _is_on(group: dict[str, Any], node: str) -> bool:
    return text(group["OwnerNode"]).casefold() == node.casefold()


def _follow(ctx: HandlerContext, vm_id: str, node: str, seconds: int) -> dict[str, Any]:
    """Looks until the VM is there, or its group has stood still for some looks."""
    quiet, elapsed = 0, 0.0
    while True:
        ctx.session.pause(POLL_SECONDS)
        elapsed += POLL_SECONDS
        group: dict[str, Any] = ctx.one("Get-ClusterGroup", VMId=vm_id)
        quiet = 0 if group["StatusInformation"] & MOVING else quiet + 1
        ctx.progress(int(min(90, 10 + 5 * elapsed)), f"{group['Name']} is on {group['OwnerNode']}")
        if _is_on(group, node) or quiet >= QUIET_LOOKS or elapsed >= seconds:
            return group


def _security(ctx: HandlerContext, vm_id: str) -> dict[str, Any] | None:
    rows = ctx.run(
        "Get-CimInstance",
        Namespace="root/virtualization/v2",
        ClassName="Msvm_SecuritySettingData",
    )
    return security_by_vm(rows).get(vm_id.casefold())


def get_vm_detail(ctx: HandlerContext, VMId: str) -> dict[str, Any]:
    vm = ctx.one("Get-VM", Id=VMId)
    security = ctx.one("Get-VMSecurity", VM=vm)
    settings = _security(ctx, VMId)
    files = {row["Path"]: row for row in ctx.quiet("Get-VHD", VMId=VMId)}
    disks = [_disk(row, files) for row in ctx.run("Get-VMHardDiskDrive", VM=vm)]
    adapters = [_adapter(row) for row in ctx.run("Get-VMNetworkAdapter", VM=vm)]
    checkpoints = [_checkpoint(row) for row in ctx.run("Get-VMSnapshot", VM=vm)]
    services = [
        {"name": text(row["Name"]), "enabled": bool(row["Enabled"])}
        for row in ctx.run("Get-VMIntegrationService", VM=vm)
    ]
    encrypted = bool(security["EncryptStateAndVmMigrationTraffic"])
    return {
        "vm_id": text(vm["Id"]).lower(),
        "state": text(vm["State"]),
        "uptime_seconds": int(vm["Uptime"].total_seconds()),
        "security": {
            **protection_of(settings, vm["Generation"]),
            "encrypt_state_and_vm_migration_traffic": encrypted,
        },
        "disks": disks,
        "network_adapters": adapters,
        "checkpoints": checkpoints,
        "stands_on": _id(vm["ParentSnapshotId"]),
        "integration_services": services,
    }


def _disk(row: dict[str, Any], files: dict[str, dict[str, Any]]) -> dict[str, Any]:
    file = files.get(row["Path"])
    place = f"{row['ControllerType']} {row['ControllerNumber']}:{row['ControllerLocation']}"
    return {
        "path": text(row["Path"]),
        "type": text(file["VhdType"]) if file else "Unknown",
        "size_bytes": file["Size"] if file else None,
        "file_size_bytes": file["FileSize"] if file else None,
        "controller": place,
    }


def _adapter(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": text(row["Name"]),
        "switch": text(row["SwitchName"]),
        "mac_address": text(row["MacAddress"]),
        "ip_addresses": [text(address) for address in row["IPAddresses"] if address],
    }


def _checkpoint(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": text(row["Id"]).lower(),
        "name": text(row["Name"]),
        "parent_id": _id(row["ParentSnapshotId"]),
        "created_at": iso(row["CreationTime"]),
        "type": text(row["SnapshotType"]),
    }


def _id(value: Any) -> str | None:
    return text(value).lower() if value else None


def get_vm_security_state(ctx: HandlerContext, VMId: str) -> dict[str, Any]:
    vm = ctx.one("Get-VM", Id=VMId)
    protection = protection_of(_security(ctx, VMId), vm["Generation"])["protection"]
    return {
        "vm_id": text(vm["Id"]).lower(),
        "state": text(vm["State"]),
        "protection": protection,
        "owner_node": text(vm["ComputerName"]).lower(),
    }


def set_vm_hardware(
    ctx: HandlerContext, VMId: str, ProcessorCount: int = 0, MemoryStartupBytes: int = 0
) -> dict[str, Any]:
    vm = ctx.one("Get-VM", Id=VMId)
    if ProcessorCount and vm["ProcessorCount"] != ProcessorCount:
        ctx.run("Set-VMProcessor", VM=vm, Count=ProcessorCount)
    if MemoryStartupBytes and vm["MemoryStartup"] != MemoryStartupBytes:
        ctx.run("Set-VMMemory", VM=vm, StartupBytes=MemoryStartupBytes)
    vm = ctx.one("Get-VM", Id=VMId)
    return {
        "vm_id": text(vm["Id"]).lower(),
        "processors": vm["ProcessorCount"],
        "memory_startup_bytes": vm["MemoryStartup"],
    }


def new_vm_snapshot_point(
    ctx: HandlerContext, VMId: str, Name: str, Known: list[str] | None = None
) -> dict[str, Any]:
    vm = ctx.one("Get-VM", Id=VMId)
    known = {one.casefold() for one in Known or []}
    rows = ctx.run("Get-VMSnapshot", VM=vm)
    taken = [row for row in rows if row["Name"] == Name and text(row["Id"]).casefold() not in known]
    made = taken[-1] if taken else None
    if made is None:
        made = ctx.one("Checkpoint-VM", VM=vm, SnapshotName=Name, Passthru=True)
    return {"vm_id": text(vm["Id"]).lower(), **_checkpoint(made)}


def _points(ctx: HandlerContext, vm: dict[str, Any], wanted: str) -> list[dict[str, Any]]:
    rows = ctx.run("Get-VMSnapshot", VM=vm)
    return [row for row in rows if text(row["Id"]).casefold() == wanted.casefold()]


def restore_vm_snapshot_point(ctx: HandlerContext, VMId: str, CheckpointId: str) -> dict[str, Any]:
    vm = ctx.one("Get-VM", Id=VMId)
    points = _points(ctx, vm, CheckpointId)
    if not points:
        raise thrown(f"'{vm['Name']}' has no checkpoint with the id {CheckpointId}.")
    ctx.run("Restore-VMSnapshot", VMSnapshot=points[0], Confirm=False)
    vm = ctx.one("Get-VM", Id=VMId)
    return {"vm_id": text(vm["Id"]).lower(), "state": text(vm["State"])}


def remove_vm_snapshot_point(ctx: HandlerContext, VMId: str, CheckpointId: str) -> dict[str, Any]:
    vm = ctx.one("Get-VM", Id=VMId)
    points = _points(ctx, vm, CheckpointId)
    if points:
        ctx.run("Remove-VMSnapshot", VMSnapshot=points[0], Confirm=False)
    return {
        "vm_id": text(vm["Id"]).lower(),
        "removed": [text(row["Id"]).lower() for row in points],
    }


def remove_deployed_vm(
    ctx: HandlerContext,
    Name: str,
    VMId: str = "",
    Clustered: bool = True,
    Files: list[str] | None = None,
    Folder: str = "",
    IncludeDisks: bool = False,
) -> dict[str, Any]:
    removed: list[str] = []
    paths = [path for path in Files or [] if path]
    rows = ctx.run("Get-VM") if VMId else []
    found = [row for row in rows if row["Id"] == VMId.casefold()]
    if found:
        if IncludeDisks:
            paths += [row["Path"] for row in ctx.run("Get-VMHardDiskDrive", VM=found[0])]
        removed += _remove_machine(ctx, found[0], Name)
    elif VMId and Clustered:
        _refuse_elsewhere(ctx, VMId, Name)
    for path in unique(paths):
        if ctx.one("Test-Path", LiteralPath=path):
            ctx.run("Remove-Item", LiteralPath=path, Force=True)
            removed.append(path)
    if Folder and ctx.one("Test-Path", LiteralPath=Folder):
        ctx.run("Remove-Item", LiteralPath=Folder, Recurse=True, Force=True)
        removed.append(Folder)
    return {"removed": removed}


def _remove_machine(ctx: HandlerContext, vm: dict[str, Any], name: str) -> list[str]:
    removed = []
    if vm["State"] not in ("Off", "Saved"):
        ctx.run("Stop-VM", VM=vm, TurnOff=True, Force=True)
    if vm["IsClustered"]:
        ctx.run("Remove-ClusterGroup", VMId=vm["Id"], RemoveResources=True, Force=True)
        removed.append(f"role {name}")
    ctx.run("Remove-VM", VM=vm, Force=True)
    return [*removed, f"virtual machine {name}"]


def _refuse_elsewhere(ctx: HandlerContext, vm_id: str, name: str) -> None:
    role = ctx.quiet("Get-ClusterGroup", VMId=vm_id)
    if role:
        raise thrown(f"'{name}' is on {role[0]['OwnerNode']} now, not on this host.")


def move_vm_files(
    ctx: HandlerContext, VMId: str, VolumePath: str, TimeoutSeconds: int = 43200
) -> dict[str, Any]:
    root = VolumePath.rstrip("\\")
    until = time.monotonic() + TimeoutSeconds
    vm = ctx.one("Get-VM", Id=VMId)
    while any("migrat" in text(one).casefold() for one in vm["OperationalStatus"]):
        if time.monotonic() > until:
            raise thrown(
                f"The move of '{vm['Name']}' that is under way has not ended within "
                f"{TimeoutSeconds} seconds."
            )
        ctx.progress(10, f"{vm['Name']} is being moved already")
        ctx.session.pause(2.0)
        vm = ctx.one("Get-VM", Id=VMId)
    if not vm["Path"].casefold().startswith(root.casefold() + "\\"):
        target = f"{root}\\{vm['Path'].rstrip(chr(92)).rpartition(chr(92))[2]}"
        if ctx.one("Test-Path", LiteralPath=target):
            target = f"{target} {VMId.lower()}"
        ctx.progress(10, f"Moving the files of {vm['Name']} to {target}")
        ctx.run("Move-VMStorage", VM=vm, DestinationStoragePath=target)
        vm = ctx.one("Get-VM", Id=VMId)
    return {"vm_id": text(vm["Id"]).lower(), "path": text(vm["Path"])}


HANDLERS = {
    "Set-VMPowerState": set_vm_power_state,
    "Move-ClusteredVM": move_clustered_vm,
    "Get-VMDetail": get_vm_detail,
    "Get-VMSecurityState": get_vm_security_state,
    "Set-VMHardware": set_vm_hardware,
    "New-VMSnapshotPoint": new_vm_snapshot_point,
    "Restore-VMSnapshotPoint": restore_vm_snapshot_point,
    "Remove-VMSnapshotPoint": remove_vm_snapshot_point,
    "Remove-DeployedVM": remove_deployed_vm,
    "Move-VMFiles": move_vm_files,
}

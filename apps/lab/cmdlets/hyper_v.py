"""Hyper-V: what is there."""

from __future__ import annotations

from typing import Any

from apps.lab.cmdlets import cmdlet
from apps.lab.cmdlets.objects import (
    find_vms,
    is_wild,
    matches,
    vm_not_found,
    vm_object,
)
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.world import VM
from apps.lab.world.model import Adapter

SERVICES = (
    "Guest Service Interface",
    "Heartbeat",
    "Key-Value Pair Exchange",
    "Shutdown",
    "Time Synchronization",
    "VSS",
)


@cmdlet("Get-VM")
def get_vm(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        cluster = session.cluster
        rows = session.world.vms_of(session.host_name)
        if "Id" in parameters:
            wanted = parameters.text("Id").casefold()
            rows = [vm for vm in rows if vm.id == wanted]
            if not rows:
                raise vm_not_found(parameters, wanted, "id")
        for name in parameters.many("Name"):
            rows = [vm for vm in rows if matches(vm.name, str(name))]
            if not rows and not is_wild(str(name)):
                raise vm_not_found(parameters, str(name), "name")
        return [vm_object(cluster, vm) for vm in rows]


@cmdlet("Get-VMHost")
def get_vm_host(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        node, cluster = session.node, session.cluster
        return [
            {
                "Name": node.name.upper(),
                "ComputerName": node.name.upper(),
                "FullyQualifiedDomainName": cluster.domain,
                "LogicalProcessorCount": node.processors,
                "MemoryCapacity": node.memory_bytes,
                "VirtualMachinePath": "C:\\VMs",
                "VirtualHardDiskPath": "C:\\VMs",
            }
        ]


@cmdlet("Get-VMSwitch")
def get_vm_switch(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        rows = session.cluster.switches
        name = parameters.text("Name")
        if name:
            rows = [row for row in rows if matches(row.name, name)]
            if not rows and not is_wild(name):
                raise parameters.error(
                    f'Hyper-V was unable to find a virtual switch with name "{name}".',
                    "InvalidArgument",
                    "InvalidParameter",
                )
        return [
            {
                "Id": row.id,
                "Name": row.name,
                "SwitchType": row.type,
                "ComputerName": session.node.name.upper(),
            }
            for row in rows
        ]


def adapter_object(vm: VM, row: Adapter) -> dict[str, Any]:
    running = vm.state == "Running"
    return {
        "Name": row.name,
        "VMId": vm.id,
        "VMName": vm.name,
        "SwitchName": row.switch or None,
        "MacAddress": row.mac_address,
        "IPAddresses": list(row.ip_addresses) if running else [],
        "IsManagementOs": False,
        "Connected": bool(row.switch),
    }


@cmdlet("Get-VMNetworkAdapter")
def get_vm_network_adapter(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        if parameters.switch("All"):
            vms = session.world.vms_of(session.host_name)
            own = [_management(row.name) for row in session.cluster.switches]
        else:
            vms, own = find_vms(session, parameters, "VMName"), []
        return own + [adapter_object(vm, row) for vm in vms for row in vm.adapters]


def _management(switch: str) -> dict[str, Any]:
    """The host's own port on a switch."""
    return {
        "Name": f"Management ({switch})",
        "VMId": None,
        "VMName": None,
        "SwitchName": switch,
        "MacAddress": "00155D000000",
        "IPAddresses": [],
        "IsManagementOs": True,
        "Connected": True,
    }


@cmdlet("Get-VMHardDiskDrive")
def get_vm_hard_disk_drive(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        return [
            {
                "VMId": vm.id,
                "VMName": vm.name,
                "Path": disk.path,
                "ControllerType": "SCSI" if vm.generation == 2 else "IDE",
                "ControllerNumber": disk.controller,
                "ControllerLocation": number,
            }
            for vm in find_vms(session, parameters, "VMName")
            for number, disk in enumerate(vm.disks)
        ]


@cmdlet("Get-VMDvdDrive")
def get_vm_dvd_drive(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        return [
            {"VMId": vm.id, "VMName": vm.name, "Path": path or None, "ControllerNumber": 0,
             "ControllerLocation": len(vm.disks) + number, "ControllerType": "SCSI"}
            for vm in find_vms(session, parameters, "VMName")
            for number, path in enumerate(vm.dvds)
        ]  # fmt: skip


@cmdlet("Get-VHD")
def get_vhd(session: Session, parameters: Parameters) -> list[Any]:
    """By -Path or by -VMId: every disk of that VM in one call."""
    with session.world.locked():
        wanted = {str(value).casefold() for value in parameters.many("VMId")}
        vms = session.cluster.vms
        disks = [disk for vm in vms if vm.id in wanted for disk in vm.disks]
        for path in parameters.many("Path"):
            fit = [d for vm in vms for d in vm.disks if d.path.casefold() == str(path).casefold()]
            if not fit:
                raise parameters.error(
                    f"Getting the virtual disk for '{path}' failed: the system cannot find the "
                    "file specified. (0x80070002)",
                    "ObjectNotFound",
                    "ObjectNotFound",
                )
            disks += fit[:1]
        return [_vhd(session, disk) for disk in disks]


def _vhd(session: Session, disk: Any) -> dict[str, Any]:
    volume = session.world.volume_of(session.cluster, disk.path)
    file = volume.files.get(disk.path) if volume else None
    return {
        "Path": disk.path,
        "VhdFormat": "VHDX",
        "VhdType": disk.type,
        "Size": disk.size_bytes,
        "FileSize": file.size_bytes if file else disk.size_bytes // 4,
        "LogicalSectorSize": 512,
    }


@cmdlet("Get-VMIntegrationService")
def get_vm_integration_service(session: Session, parameters: Parameters) -> list[Any]:
    """The guest service is off by default; a shielded VM gives the host no data exchange."""
    with session.world.locked():
        return [
            {"VMId": vm.id, "VMName": vm.name, "Name": name, "Enabled": _enabled(vm, name)}
            for vm in find_vms(session, parameters, "VMName")
            for name in SERVICES
        ]


def _enabled(vm: VM, name: str) -> bool:
    if name == "Guest Service Interface":
        return False
    return not (vm.protection == "Shielded" and name == "Key-Value Pair Exchange")

"""Hyper-V: what a VM is made of, and how it is secured."""

from __future__ import annotations

from typing import Any

from apps.lab.cmdlets import cmdlet
from apps.lab.cmdlets.objects import find_vms
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.world import VM

MEMORY_STEP = 2 << 20  # Hyper-V takes memory in steps of 2 MiB
MOST_PROCESSORS = 240


def _still(parameters: Parameters, vm: VM, what: str) -> None:
    if vm.state != "Off" or vm.transition:
        raise parameters.error(
            f"Cannot change {what} of the virtual machine '{vm.name}' while it is in the state "
            f"{vm.state}. (Virtual machine ID {vm.id.upper()})",
            "InvalidOperation",
            "InvalidState",
        )


@cmdlet("Set-VMProcessor")
def set_vm_processor(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        for vm in find_vms(session, parameters, "VMName"):
            if "Count" not in parameters:
                continue
            count = int(parameters.get("Count"))
            most = min(MOST_PROCESSORS, session.node.processors)
            if not 1 <= count <= most:
                raise parameters.error(
                    f"Failed to modify device 'Processor'. The virtual machine '{vm.name}' can "
                    f"have 1 to {most} virtual processors on this host, {count} were asked for.",
                    "InvalidArgument",
                    "InvalidParameter",
                )
            _still(parameters, vm, "the number of processors")
            vm.processors = count
            session.world.changed()
    return []


@cmdlet("Set-VMMemory")
def set_vm_memory(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        for vm in find_vms(session, parameters, "VMName"):
            if "StartupBytes" in parameters:
                set_memory(session, parameters, vm, int(parameters.get("StartupBytes")))
    return []


def set_memory(session: Session, parameters: Parameters, vm: VM, size: int) -> None:
    """Memory of a VM that is off; sizes that Hyper-V can't give are refused."""
    if size < 32 << 20 or size % MEMORY_STEP:
        raise parameters.error(
            f"Invalid startup memory amount assigned for '{vm.name}'. The minimum amount of "
            "memory that you can assign to this virtual machine is '32' MB, in steps of 2 MB.",
            "InvalidArgument",
            "InvalidParameter",
        )
    _still(parameters, vm, "memory")
    vm.memory_bytes = size
    session.world.changed()


@cmdlet("Set-VMFirmware")
def set_vm_firmware(session: Session, parameters: Parameters) -> list[Any]:
    """-FirstBootDevice: a disk or DVD drive of the VM, as its cmdlet told it."""
    with session.world.locked():
        for vm in find_vms(session, parameters, "VMName"):
            device = parameters.get("FirstBootDevice")
            if device is None:
                continue
            if vm.generation != 2:
                raise parameters.error(
                    f"The operation cannot be performed: '{vm.name}' is a generation 1 virtual "
                    "machine, which has no firmware to configure.",
                    "InvalidOperation",
                    "InvalidOperation",
                )
            _still(parameters, vm, "the boot order")
            path = str(device.get("Path") or "")
            if device.get("VMId") != vm.id or path not in [*vm.dvds, *(d.path for d in vm.disks)]:
                raise parameters.error(
                    f"The boot device is not one of the virtual machine '{vm.name}'.",
                    "InvalidArgument",
                    "InvalidParameter",
                )
            vm.boots_from = path
            session.world.changed()
    return []


@cmdlet("Get-VMSecurity")
def get_vm_security(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        return [
            {
                "VMId": vm.id,
                "VMName": vm.name,
                "TpmEnabled": vm.protection != "None",
                "KsdEnabled": False,
                "Shielded": vm.protection == "Shielded",
                "EncryptStateAndVmMigrationTraffic": encrypts(vm),
                "VirtualizationBasedSecurityOptOut": False,
                "BindToHostTpm": False,
            }
            for vm in find_vms(session, parameters, "VMName")
        ]


def encrypts(vm: VM) -> bool:
    """Whether saved state and migration traffic are encrypted."""
    return vm.protection in ("Shielded", "EncryptionSupported")

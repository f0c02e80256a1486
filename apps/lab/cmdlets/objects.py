"""Objects as Hyper-V's and clustering's cmdlets write them, and how they are found again."""

from __future__ import annotations

import fnmatch
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.world import VM, Cluster
from apps.lab.world.model import HOLDS_MEMORY


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def now() -> datetime:
    return datetime.now(UTC)


def matches(name: str, pattern: str) -> bool:
    """PowerShell's -like: * and ?, case ignored."""
    escaped = pattern.casefold().replace("[", "[[]")
    return fnmatch.fnmatchcase(name.casefold(), escaped)


def is_wild(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def vm_object(cluster: Cluster, vm: VM) -> dict[str, Any]:
    """Microsoft.HyperV.PowerShell.VirtualMachine."""
    running = vm.state in HOLDS_MEMORY
    uptime = max(0.0, now().timestamp() - vm.started_at) if running and vm.started_at else 0.0
    busy = int(vm.id[:2], 16) % 40 if vm.state == "Running" else 0
    return {
        "Id": vm.id,
        "VMId": vm.id,
        "Name": vm.name,
        "VMName": vm.name,
        "ComputerName": vm.node.upper(),
        "State": vm.state,
        "Status": "Operating normally",
        "OperationalStatus": ["Ok"],
        "Generation": vm.generation,
        "ProcessorCount": vm.processors,
        "MemoryStartup": vm.memory_bytes,
        "MemoryAssigned": vm.memory_bytes if running else 0,
        "DynamicMemoryEnabled": False,
        "CPUUsage": busy,
        "Uptime": timedelta(seconds=int(uptime)),
        "IsClustered": vm.clustered,
        "Notes": vm.notes,
        "Path": vm.path,
        "ConfigurationLocation": vm.path,
        "CreationTime": moment(vm.created_at),
        "ParentSnapshotId": vm.current_checkpoint,
        "Version": "10.0",
    }


def vm_not_found(parameters: Parameters, wanted: str, by: str) -> CmdletError:
    return parameters.error(
        f'Hyper-V was unable to find a virtual machine with {by} "{wanted}".',
        "InvalidArgument",
        "InvalidParameter",
    )


def find_vms(session: Session, parameters: Parameters, name_key: str = "Name") -> list[VM]:
    """The host's VMs that -VM (objects), -VMName/-Name or the pipeline mean; an error for none."""
    given = [*parameters.many("VM"), *parameters.inputs]
    if given:
        return [_by_id(session, parameters, _id_of(value)) for value in given]
    names = [str(n) for n in parameters.many(name_key)]
    found: list[VM] = []
    for name in names:
        fit = [vm for vm in session.world.vms_of(session.host_name) if matches(vm.name, name)]
        if not fit and not is_wild(name):
            raise vm_not_found(parameters, name, "name")
        found += fit
    return found


def _id_of(value: Any) -> str:
    """The id in a VM object, or what was given in place of one."""
    if isinstance(value, dict):
        return str(value.get("VMId") or value.get("Id") or "")
    return str(value)


def _by_id(session: Session, parameters: Parameters, vm_id: str) -> VM:
    for vm in session.world.vms_of(session.host_name):
        if vm.id == vm_id.casefold():
            return vm
    raise vm_not_found(parameters, vm_id, "id")


def the_vm(session: Session, parameters: Parameters, name_key: str = "VMName") -> VM:
    """The one VM that is meant."""
    found = find_vms(session, parameters, name_key)
    if not found:
        raise vm_not_found(parameters, parameters.text(name_key), "name")
    return found[0]

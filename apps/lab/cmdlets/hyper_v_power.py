"""Hyper-V: what makes a VM run, stand still, stop, and go away."""

from __future__ import annotations

from typing import Any

from apps.lab.cmdlets import cmdlet
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.objects import find_vms, vm_object
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.world import VM, Disk, Volume, changes
from apps.lab.world.rules import start_problem

LONGEST = 3600.0  # seconds after which a cmdlet gives up waiting for a VM


def _refuse(parameters: Parameters, vm: VM) -> CmdletError:
    return parameters.error(
        f"The operation cannot be performed while the virtual machine is in its current state. "
        f"(Virtual machine '{vm.name}', state {vm.state}, ID {vm.id.upper()})",
        "InvalidOperation",
        "InvalidState",
    )


def _check(parameters: Parameters, vm: VM, *states: str) -> None:
    if vm.transition or vm.state not in states:
        raise _refuse(parameters, vm)


def _check_start(session: Session, parameters: Parameters, vm: VM) -> None:
    problem = start_problem(session.cluster, vm, session.node)
    if problem:
        raise parameters.error(*problem)


def _finish(session: Session, vm: VM) -> None:
    """Blocks until what was begun has ended, as the cmdlet does."""
    session.wait_until(lambda: vm.transition is None, LONGEST)


def _result(session: Session, parameters: Parameters, vms: list[VM]) -> list[Any]:
    if not parameters.switch("Passthru"):
        return []
    with session.world.locked():
        return [vm_object(session.cluster, vm) for vm in vms]


@cmdlet("Start-VM")
def start_vm(session: Session, parameters: Parameters) -> list[Any]:
    """A running VM is left alone with a warning, as Windows does."""
    world = session.world
    with world.locked():
        vms = find_vms(session, parameters)
        for vm in vms:
            if vm.state == "Running" and not vm.transition:
                continue
            _check(parameters, vm, "Off", "Saved", "Paused")
            _check_start(session, parameters, vm)
            changes.begin_start(vm, world.timing)
            world.changed()
    for vm in vms:
        _finish(session, vm)
    return _result(session, parameters, vms)


@cmdlet("Stop-VM")
def stop_vm(session: Session, parameters: Parameters) -> list[Any]:
    """Shuts the guest down; -TurnOff pulls the plug; -Save saves."""
    if parameters.switch("Save"):
        return save_vm(session, parameters)
    world = session.world
    with world.locked():
        vms = find_vms(session, parameters)
        for vm in vms:
            if vm.state == "Off" and not vm.transition:
                continue
            if parameters.switch("TurnOff"):
                _check_not_moving(parameters, vm)
                changes.stop_now(vm)
            else:
                _check(parameters, vm, "Running")
                changes.begin_stop(vm, world.timing)
            world.changed()
    for vm in vms:
        _finish(session, vm)
    return _result(session, parameters, vms)


def _check_not_moving(parameters: Parameters, vm: VM) -> None:
    if vm.transition and vm.transition.kind == "move":
        raise _refuse(parameters, vm)


@cmdlet("Save-VM")
def save_vm(session: Session, parameters: Parameters) -> list[Any]:
    world = session.world
    with world.locked():
        vms = find_vms(session, parameters)
        for vm in vms:
            _check(parameters, vm, "Running", "Paused")
            changes.begin_save(vm, world.timing)
            world.changed()
    for vm in vms:
        _finish(session, vm)
    return _result(session, parameters, vms)


@cmdlet("Suspend-VM")
def suspend_vm(session: Session, parameters: Parameters) -> list[Any]:
    return _at_once(session, parameters, "Running", "Paused")


@cmdlet("Resume-VM")
def resume_vm(session: Session, parameters: Parameters) -> list[Any]:
    return _at_once(session, parameters, "Paused", "Running")


def _at_once(session: Session, parameters: Parameters, before: str, after: str) -> list[Any]:
    with session.world.locked():
        vms = find_vms(session, parameters)
        for vm in vms:
            _check(parameters, vm, before)
            changes.set_state(vm, after)
            session.world.changed()
    return _result(session, parameters, vms)


@cmdlet("Restart-VM")
def restart_vm(session: Session, parameters: Parameters) -> list[Any]:
    """A hard reset of a running VM; its uptime begins anew."""
    world = session.world
    with world.locked():
        vms = find_vms(session, parameters)
        for vm in vms:
            _check(parameters, vm, "Running", "Paused")
            _check_start(session, parameters, vm)
            changes.begin_restart(vm, world.timing)
            world.changed()
    for vm in vms:
        _finish(session, vm)
    return _result(session, parameters, vms)


@cmdlet("Remove-VM")
def remove_vm(session: Session, parameters: Parameters) -> list[Any]:
    """Takes a VM's configuration away, never its disks."""
    with session.world.locked():
        vms = find_vms(session, parameters)
        for vm in vms:
            _check(parameters, vm, "Off", "Saved", "OffCritical", "SavedCritical")
            session.cluster.vms.remove(vm)
            session.world.changed()
    return []


@cmdlet("Move-VMStorage")
def move_vm_storage(session: Session, parameters: Parameters) -> list[Any]:
    """Disks and configuration go to a folder of another volume; a full one refuses."""
    world = session.world
    with world.locked():
        vm = find_vms(session, parameters)[0]
        _check(parameters, vm, "Running", "Off", "Saved", "Paused")
        target = parameters.text("DestinationStoragePath").rstrip("\\")
        volume = world.volume_of(session.cluster, target)
        if volume is None:
            raise parameters.error(
                f"The path '{target}' is not valid. (0x80070003)", "InvalidArgument", "PathNotFound"
            )
        _take_files(session, parameters, vm, volume, target)
        world.changed()
    session.pause(world.timing.move_ms / 1000)
    return []


def _take_files(
    session: Session, parameters: Parameters, vm: VM, volume: Volume, target: str
) -> None:
    sources = [session.world.volume_of(session.cluster, disk.path) for disk in vm.disks]
    pairs = [(disk, source) for disk, source in zip(vm.disks, sources, strict=True) if source]
    incoming = sum(s.files[d.path].size_bytes for d, s in pairs if d.path in s.files)
    if source_differs(pairs, volume) and volume.used_bytes + incoming > volume.size_bytes:
        raise parameters.error(
            f"Storage migration for virtual machine '{vm.name}' failed: there is not enough space "
            "on the disk. (0x80070070)",
            "ResourceUnavailable",
            "OperationFailed",
        )
    for disk, source in pairs:
        path = f"{target}\\{disk.path.rpartition(chr(92))[2]}"
        file = source.files.pop(disk.path, None)
        if file:
            volume.files[path] = file
        disk.path = path
    vm.path = target


def source_differs(pairs: list[tuple[Disk, Volume]], volume: Volume) -> bool:
    return any(source is not volume for _, source in pairs)

"""Hyper-V: what makes a VM, its disks and drives."""

from __future__ import annotations

import time
import uuid
from typing import Any

from apps.lab.cmdlets import cmdlet
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.files import full
from apps.lab.cmdlets.hyper_v_hardware import MEMORY_STEP
from apps.lab.cmdlets.objects import find_vms, vm_object
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.files import vhdx
from apps.lab.world import VM, Disk, File, files
from apps.lab.world.build import new_adapter

EMPTY_VHDX = 4 << 20  # what a new dynamically expanding disk takes on its volume
LEAST_DISK, MOST_DISK = 3 << 20, 64 << 40


def _not_found(parameters: Parameters, path: str) -> CmdletError:
    return parameters.error(
        f"The system cannot find the file specified: '{path}'. (0x80070002)",
        "ObjectNotFound",
        "ObjectNotFound",
    )


def _found(session: Session, parameters: Parameters, path: str) -> tuple[str, File]:
    """A file's name as written on its volume, and its row."""
    try:
        _, name, file = files.find(session.world, session.cluster, path)
    except files.NoSuchPath:
        raise _not_found(parameters, path) from None
    return name, file


@cmdlet("New-VHD")
def new_vhd(session: Session, parameters: Parameters) -> list[Any]:
    """A dynamically expanding disk; a path that has a file is refused."""
    path, size, world = parameters.text("Path"), int(parameters.get("SizeBytes")), session.world
    if not LEAST_DISK <= size <= MOST_DISK:
        raise parameters.error(
            f"The size {size} is not valid for a virtual hard disk.",
            "InvalidArgument",
            "InvalidParameter",
        )
    with world.locked():
        volume = world.volume_of(session.cluster, path)
        if volume is None:
            raise _not_found(parameters, path)
        if any(name.casefold() == path.casefold() for name in volume.files):
            raise parameters.error(
                f"The system failed to create '{path}': the file exists. (0x80070050)",
                "ResourceExists",
                "OperationFailed",
            )
        try:
            files.require_room(volume, EMPTY_VHDX)
        except files.NoRoom:
            raise full(parameters) from None
        volume.files[path] = File(EMPTY_VHDX, virtual_bytes=size)
        world.changed()
    return [{"Path": path, "Size": size, "VhdType": "Dynamic", "VhdFormat": "VHDX"}]


@cmdlet("New-VM")
def new_vm(session: Session, parameters: Parameters) -> list[Any]:
    """A VM around an existing disk: off, and no role of the cluster."""
    world, name = session.world, parameters.text("Name")
    with world.locked():
        path, file = _found(session, parameters, parameters.text("VHDPath"))
        if any(disk.path == path for vm in session.cluster.vms for disk in vm.disks):
            raise parameters.error(
                f"The file '{path}' is being used by another process. (0x80070020)",
                "ResourceBusy",
                "OperationFailed",
            )
        vm = VM(
            id=str(uuid.uuid4()),
            name=name,
            node=session.node.name,
            generation=int(parameters.get("Generation", 1)),
            memory_bytes=_memory(parameters),
            clustered=False,
            path=f"{parameters.text('Path').rstrip(chr(92))}\\{name}",
            created_at=time.time(),
            disks=[Disk(path, _virtual_size(session, file))],
        )
        vm.adapters = [new_adapter(vm.id, _switch(session, parameters))]
        session.cluster.vms.append(vm)
        world.changed()
        return [vm_object(session.cluster, vm)]


def _memory(parameters: Parameters) -> int:
    size = int(parameters.get("MemoryStartupBytes", 1 << 30))
    if size < 32 << 20 or size % MEMORY_STEP:
        raise parameters.error(
            f"Invalid startup memory amount {size}: at least 32 MB, in steps of 2 MB.",
            "InvalidArgument",
            "InvalidParameter",
        )
    return size


def _switch(session: Session, parameters: Parameters) -> str:
    name = parameters.text("SwitchName")
    known = {row.name.casefold(): row.name for row in session.cluster.switches}
    if name and name.casefold() not in known:
        raise parameters.error(
            f'Hyper-V was unable to find a virtual switch with name "{name}".',
            "InvalidArgument",
            "InvalidParameter",
        )
    return known.get(name.casefold(), "")


def _virtual_size(session: Session, file: File) -> int:
    """A disk's size: its header's where its bytes are kept, else what New-VHD was told."""
    place = files.blob(session.world, file)
    if place is None:
        return file.virtual_bytes or file.size_bytes
    with place.open("rb") as content:
        try:
            return vhdx.Vhdx(content).size
        except vhdx.DiskError:
            return file.size_bytes


@cmdlet("Set-VM")
def set_vm(session: Session, parameters: Parameters) -> list[Any]:
    """-Notes. The lab's VMs make no checkpoints by themselves, whatever is set."""
    with session.world.locked():
        for vm in find_vms(session, parameters):
            if "Notes" in parameters:
                vm.notes = parameters.text("Notes")
        session.world.changed()
    return []


@cmdlet("Add-VMDvdDrive")
def add_vm_dvd_drive(session: Session, parameters: Parameters) -> list[Any]:
    path = parameters.text("Path")
    with session.world.locked():
        name = _found(session, parameters, path)[0] if path else ""
        for vm in find_vms(session, parameters, "VMName"):
            vm.dvds.append(name)
        session.world.changed()
    return []

"""Hyper-V: checkpoints."""

from __future__ import annotations

import time
import uuid
from typing import Any

from apps.lab.cmdlets import cmdlet
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.hyper_v_power import _check
from apps.lab.cmdlets.objects import find_vms, matches, moment, the_vm, vm_not_found
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.world import VM, Checkpoint, changes


def snapshot_object(vm: VM, row: Checkpoint) -> dict[str, Any]:
    """Microsoft.HyperV.PowerShell.VMSnapshot."""
    parent = next((c for c in vm.checkpoints if c.id == row.parent_id), None)
    return {
        "Id": row.id,
        "Name": row.name,
        "VMId": vm.id,
        "VMName": vm.name,
        "SnapshotType": row.type,
        "CreationTime": moment(row.created_at),
        "ParentSnapshotId": row.parent_id,
        "ParentSnapshotName": parent.name if parent else None,
        "State": row.state,
    }


@cmdlet("Get-VMSnapshot")
def get_vm_snapshot(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        if "Id" in parameters:
            vm, row = _find(session, parameters, parameters.text("Id"))
            return [snapshot_object(vm, row)]
        pattern = parameters.text("Name", "*")
        return [
            snapshot_object(vm, row)
            for vm in find_vms(session, parameters, "VMName")
            for row in vm.checkpoints
            if matches(row.name, pattern)
        ]


def _find(session: Session, parameters: Parameters, wanted: str) -> tuple[VM, Checkpoint]:
    for vm in session.world.vms_of(session.host_name):
        for row in vm.checkpoints:
            if row.id == wanted.casefold():
                return vm, row
    raise _missing(parameters, wanted)


def _missing(parameters: Parameters, wanted: str) -> CmdletError:
    return parameters.error(
        f'Hyper-V was unable to find a checkpoint with id "{wanted}".',
        "InvalidArgument",
        "InvalidParameter",
    )


@cmdlet("Checkpoint-VM")
def checkpoint_vm(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        made = []
        for vm in find_vms(session, parameters):
            _check(parameters, vm, "Running", "Off", "Saved", "Paused")
            stamp = time.strftime("(%m/%d/%Y - %H:%M:%S)")
            row = Checkpoint(
                str(uuid.uuid4()),
                parameters.text("SnapshotName") or f"{vm.name} - {stamp}",
                vm.current_checkpoint,
                time.time(),
                processors=vm.processors,
                memory_bytes=vm.memory_bytes,
                state="Saved" if vm.state != "Off" else "Off",
            )
            vm.checkpoints.append(row)
            vm.current_checkpoint = row.id
            made.append(snapshot_object(vm, row))
            session.world.changed()
        return made if parameters.switch("Passthru") else []


def _meant(session: Session, parameters: Parameters) -> list[tuple[VM, Checkpoint]]:
    """The checkpoints that -VMSnapshot (objects), the pipeline, or -VM/-VMName with -Name mean."""
    given = [*parameters.many("VMSnapshot"), *parameters.inputs]
    if given:
        return [_find(session, parameters, str(row["Id"])) for row in given]
    vm = the_vm(session, parameters)
    names = [str(name) for name in parameters.many("Name")] or ["*"]
    fit = [row for row in vm.checkpoints if any(matches(row.name, name) for name in names)]
    if not fit:
        raise vm_not_found(parameters, ", ".join(names), "a checkpoint named")
    return [(vm, row) for row in fit]


@cmdlet("Restore-VMSnapshot")
def restore_vm_snapshot(session: Session, parameters: Parameters) -> list[Any]:
    """The VM is as it was: a checkpoint with memory leaves it saved, one without leaves it off."""
    with session.world.locked():
        vm, row = _meant(session, parameters)[0]
        _check(parameters, vm, "Running", "Off", "Saved", "Paused")
        changes.stop_now(vm)
        vm.state = row.state
        vm.processors, vm.memory_bytes = row.processors, row.memory_bytes
        vm.current_checkpoint = row.id
        session.world.changed()
    return []


@cmdlet("Remove-VMSnapshot")
def remove_vm_snapshot(session: Session, parameters: Parameters) -> list[Any]:
    """Those that stood on a removed checkpoint stand on its parent."""
    with session.world.locked():
        for vm, row in _meant(session, parameters):
            gone = {row.id}
            if parameters.switch("IncludeAllChildSnapshots"):
                gone |= _below(vm, row.id)
            vm.checkpoints = [c for c in vm.checkpoints if c.id not in gone]
            for other in vm.checkpoints:
                if other.parent_id in gone:
                    other.parent_id = row.parent_id
            if vm.current_checkpoint in gone:
                vm.current_checkpoint = row.parent_id
            session.world.changed()
    return []


def _below(vm: VM, root: str) -> set[str]:
    found: set[str] = set()
    fresh = {root}
    while fresh:
        fresh = {c.id for c in vm.checkpoints if c.parent_id in fresh}
        found |= fresh
    return found

"""ShieldedVMProvisioning, and what of Hyper-V makes a VM a shielded one.

A VM's key protector is kept as the bytes that Hyper-V would keep, its policy as the shielding
data's word; what shields it in the end is the virtual TPM on top of both.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from apps.lab.cmdlets import cmdlet
from apps.lab.cmdlets.cim_cmdlets import register_class, register_method
from apps.lab.cmdlets.objects import the_vm
from apps.lab.cmdlets.outcome import outcome
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.cmdlets.shielding_files import read_pdk
from apps.lab.files import protector, shielding
from apps.lab.world import VM, files, provisioning

VIRTUALIZATION = "root/virtualization/v2"
AS_A_JOB = 4096  # what Hyper-V's WMI methods return for work that goes on
WRONG = 32773  # what Hyper-V's WMI methods return for an invalid parameter
NO_JOB = "Could not find a matching provisioning job."


# ---- key protector, policy, virtual TPM
@cmdlet("Get-KeyProtectorFromShieldingDataFile")
def get_key_protector(session: Session, parameters: Parameters) -> list[Any]:
    data = read_pdk(session, parameters, parameters.text("ShieldingDataFilePath"))
    return list(data.key_protector)


def protector_bytes(vm: VM) -> bytes:
    kept = (vm.key_protector or {}).get("raw")
    return base64.b64decode(kept) if kept else protector.NONE


@cmdlet("Get-VMKeyProtector")
def get_vm_key_protector(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        return list(protector_bytes(the_vm(session, parameters)))


@cmdlet("Set-VMKeyProtector")
def set_vm_key_protector(session: Session, parameters: Parameters) -> list[Any]:
    raw = bytes(parameters.many("KeyProtector"))
    with session.world.locked():
        vm = the_vm(session, parameters)
        _require_off(parameters, vm)
        vm.key_protector = {"raw": base64.b64encode(raw).decode()}
        session.world.changed()
    return []


def _require_off(parameters: Parameters, vm: VM) -> None:
    if vm.state != "Off" or vm.transition:
        raise parameters.error(
            f"The operation cannot be performed while the virtual machine '{vm.name}' is in its "
            f"current state. (Virtual machine ID {vm.id.upper()})",
            "InvalidOperation",
            "InvalidState",
        )


@cmdlet("Enable-VMTPM")
def enable_vm_tpm(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        vm = the_vm(session, parameters)
        _require_off(parameters, vm)
        if len(protector_bytes(vm)) <= len(protector.NONE):
            raise parameters.error(
                f"Cannot enable the virtual TPM of '{vm.name}': the virtual machine has no key "
                f"protector. (Virtual machine ID {vm.id.upper()})",
                "InvalidOperation",
                "InvalidState",
            )
        vm.protection = vm.security.get("policy", "VTpm")
        session.world.changed()
    return []


def security_service(session: Session) -> list[dict[str, Any]]:
    return [
        {
            "CimClassName": "Msvm_SecurityService",
            "CimNamespace": VIRTUALIZATION,
            "CreationClassName": "Msvm_SecurityService",
            "Name": "Microsoft:SecurityService",
            "SystemName": session.node.name.upper(),
        }
    ]


def set_security_policy(session: Session, parameters: Parameters) -> list[Any]:
    """Msvm_SecurityService.SetSecurityPolicy: accepted as a job, which is done already.

    The lab's text of an instance is JSON.
    """
    given = parameters.get("Arguments") or {}
    policy = bytes(given.get("SecurityPolicy") or ()).decode("ascii", "replace")
    with session.world.locked():
        vm = _vm_of_settings(session, str(given.get("SecuritySettingData", "")))
        if vm is None or policy not in shielding.POLICIES:
            return [{"ReturnValue": WRONG}]
        _require_off(parameters, vm)
        vm.security["policy"] = policy
        if vm.protection != "None":
            vm.protection = policy
        session.world.changed()
    job = {"CimClassName": "Msvm_ConcreteJob", "JobState": 7, "ErrorDescription": ""}
    return [{"ReturnValue": AS_A_JOB, "Job": job}]


def _vm_of_settings(session: Session, text: str) -> VM | None:
    try:
        vm_id = str(json.loads(text)["InstanceID"])[10:46].casefold()
    except (ValueError, KeyError, TypeError):
        return None
    return next((vm for vm in session.world.vms_of(session.host_name) if vm.id == vm_id), None)


# ---- provisioning
@cmdlet("New-ShieldedVMSpecializationDataFile")
def new_specialization_data_file(session: Session, parameters: Parameters) -> list[Any]:
    path = parameters.text("ShieldedVMSpecializationDataFilePath")
    pairs = {str(k): str(v) for k, v in (parameters.get("SpecializationDataPairs") or {}).items()}
    try:
        content = shielding.write_values(pairs)
        with session.world.locked():
            files.put(session.world, session.cluster, path, content)
    except files.NoSuchPath:
        raise parameters.error(
            f"Could not find a part of the path '{path}'.", "ObjectNotFound", "PathNotFound"
        ) from None
    return []


@cmdlet("Initialize-ShieldedVM")
def initialize_shielded_vm(session: Session, parameters: Parameters) -> list[Any]:
    """Starts the VM and its provisioning. What will come of it is found out now, outside the lock
    (a disk's hash takes its time); it shows when its time has come."""
    world, path = session.world, parameters.text("ShieldingDataFilePath")
    data = read_pdk(session, parameters, path).data
    with world.locked():
        vm = the_vm(session, parameters)
        _require_off(parameters, vm)
        if vm.provisioning and not vm.provisioning["ended"]:
            raise parameters.error("A provisioning job is under way.", "ResourceBusy")
        if vm.protection == "None":
            raise parameters.error(
                f"The virtual machine '{vm.name}' has no virtual TPM.", "InvalidOperation"
            )
    values = parameters.text("ShieldedVMSpecializationDataFilePath")
    problem = outcome(session, vm, data, values)
    with world.locked():
        _require_off(parameters, vm)
        vm.template_sha256 = _sha256(session, vm.disks[0].path)
        vm.shielding_data_sha256 = _sha256(session, path)
        provisioning.begin(vm, problem, world.timing.provision_ms)
        world.changed()
        return [{"ReturnValue": AS_A_JOB, "ProvisioningJob": _job(vm)}]


def _sha256(session: Session, path: str) -> str | None:
    try:
        return files.find(session.world, session.cluster, path)[2].sha256
    except files.NoSuchPath:
        return None


@cmdlet("Get-ShieldedVMProvisioningStatus")
def get_provisioning_status(session: Session, parameters: Parameters) -> list[Any]:
    """Msps_ProvisioningJob of a VM; an error once Windows has forgotten it."""
    with session.world.locked():
        vm = the_vm(session, parameters)
        if vm.provisioning is None:
            raise parameters.error(NO_JOB, "ObjectNotFound", "JobNotFound")
        return [_job(vm)]


def _job(vm: VM) -> dict[str, Any]:
    job = vm.provisioning or {}
    failed = job["state"] in (provisioning.FAILED, provisioning.KILLED)
    return {
        "InstanceID": vm.id.upper(),
        "JobState": job["state"],
        "JobStatus": provisioning.WORDS[job["state"]],
        "Status": "Error" if failed else "OK",
        "PercentComplete": provisioning.percent(job, time.time()),
        "ErrorCode": provisioning.ERROR_FAILED if failed else 0,
        "ErrorDescription": job["problem"] if failed else "",
    }


register_class(VIRTUALIZATION, "Msvm_SecurityService", security_service)
register_method(VIRTUALIZATION, "Msvm_SecurityService", "SetSecurityPolicy", set_security_policy)

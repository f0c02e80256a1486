"""The scripts of apps/vms that make a VM, shield it and provision it."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from apps.lab.handlers.common import attestation_of, text, thrown
from apps.lab.handlers.vms_lifecycle import _security

if TYPE_CHECKING:
    from apps.lab.engine import HandlerContext

ENDS = {3: "PendingBoot", 7: "Completed", 8: "Failed", 9: "Failed", 10: "Failed"}
PLACEHOLDER = re.compile(r"@[^@\r\n]+@")
NO_PROTECTOR = 4  # bytes that say so
AS_A_JOB, COMPLETED = 4096, 7  # of WMI: a method's answer, a job's state


def test_deployment_target(
    ctx: HandlerContext, VolumePath: str, Name: str, SwitchName: str = "", MemoryBytes: int = 0
) -> dict[str, Any]:
    infos = [row["SharedVolumeInfo"][0] for row in ctx.run("Get-ClusterSharedVolume")]
    wanted = VolumePath.rstrip("\\").casefold()
    free = [
        row["Partition"]["FreeSpace"]
        for row in infos
        if row["FriendlyVolumeName"].casefold() == wanted
    ]
    switches = [row["Name"].casefold() for row in ctx.run("Get-VMSwitch")]
    names = [row["Name"].casefold() for row in ctx.run("Get-VM")]
    names += [row["Name"].casefold() for row in ctx.run("Get-ClusterGroup")]
    system = ctx.one("Get-CimInstance", ClassName="Win32_OperatingSystem")
    memory = int(system["FreePhysicalMemory"]) << 10
    state = ctx.quiet("Get-HgsClientConfiguration")
    return {
        "volume_free_bytes": free[0] if free else None,
        "switch_found": bool(SwitchName) and SwitchName.casefold() in switches,
        "name_taken": Name.casefold() in names,
        "memory_available_bytes": memory,
        "memory_enough": memory >= MemoryBytes,
        "attestation": attestation_of(state[0]) if state else None,
    }


def new_deployment_vm(
    ctx: HandlerContext,
    DeploymentId: str,
    Name: str,
    Folder: str,
    MemoryBytes: int,
    DiskPath: str = "",
    NewDiskBytes: int = 0,
    ProcessorCount: int = 1,
    SwitchName: str = "",
    IsoPath: str = "",
) -> dict[str, Any]:
    mark, root = f"Fabric Portal deployment {DeploymentId.lower()}", Folder.rstrip("\\")
    rows = [
        row for row in ctx.run("Get-VM")
        if row["Name"].casefold() == Name.casefold() or mark in text(row["Notes"])
    ]  # fmt: skip
    own = [
        row for row in rows
        if mark in text(row["Notes"]) or row["Path"].casefold().startswith(root.casefold() + "\\")
    ]  # fmt: skip
    if rows and not own:
        raise thrown(f"This host has a virtual machine named '{Name}' already.")
    if not own:
        _make_disk(ctx, Name, root, DiskPath, NewDiskBytes)
        ctx.progress(80, f"Creating {Name}")
        ctx.run(
            "New-VM", Name=Name, Generation=2, Path=root, VHDPath=f"{root}\\{Name}.vhdx",
            MemoryStartupBytes=MemoryBytes, SwitchName=SwitchName or None,
        )  # fmt: skip
        own = [row for row in ctx.run("Get-VM") if row["Name"].casefold() == Name.casefold()]
    vm = own[0]
    if mark not in text(vm["Notes"]) and vm["State"] == "Off":
        _finish_machine(ctx, vm, mark, ProcessorCount, IsoPath)
    drive = ctx.run("Get-VMHardDiskDrive", VM=vm)[0]
    return {"vm_id": text(vm["Id"]).lower(), "disk_path": text(drive["Path"])}


def _make_disk(ctx: HandlerContext, name: str, root: str, source: str, size: int) -> None:
    disk = f"{root}\\{name}.vhdx"
    part = f"{disk}.part.vhdx"
    if not ctx.one("Test-Path", LiteralPath=root):
        ctx.run("New-Item", ItemType="Directory", Path=root, Force=True)
    if ctx.one("Test-Path", LiteralPath=disk):
        return
    ctx.progress(5, f"Preparing the disk of {name}")
    if ctx.one("Test-Path", LiteralPath=part):
        ctx.run("Remove-Item", LiteralPath=part, Force=True)
    if source:
        ctx.run("Copy-Item", LiteralPath=source, Destination=part)
    elif size > 0:
        ctx.run("New-VHD", Path=part, SizeBytes=size, Dynamic=True)
    else:
        raise thrown("Neither a disk nor the size of a new one was given.")
    ctx.run("Move-Item", LiteralPath=part, Destination=disk)


def _finish_machine(
    ctx: HandlerContext, vm: dict[str, Any], mark: str, processors: int, iso: str
) -> None:
    ctx.run("Set-VMProcessor", VM=vm, Count=processors)
    if iso:
        if not _drives_with(ctx, vm, iso):
            ctx.run("Add-VMDvdDrive", VM=vm, Path=iso)
        ctx.run("Set-VMFirmware", VM=vm, FirstBootDevice=_drives_with(ctx, vm, iso)[0])
    ctx.run("Set-VM", VM=vm, AutomaticCheckpointsEnabled=False, Notes=mark)


def _drives_with(ctx: HandlerContext, vm: dict[str, Any], iso: str) -> list[dict[str, Any]]:
    drives = ctx.run("Get-VMDvdDrive", VM=vm)
    return [one for one in drives if text(one["Path"]).casefold() == iso.casefold()]


def set_deployment_shielding(
    ctx: HandlerContext, VMId: str, ShieldingDataPath: str
) -> dict[str, Any]:
    vm = ctx.one("Get-VM", Id=VMId)
    if _security(ctx, VMId) is None:
        raise thrown(
            f"'{vm['Name']}' has no security settings, as a virtual machine of generation 1 has "
            "none."
        )
    if vm["State"] == "Off" and not ctx.one("Get-VMSecurity", VM=vm)["TpmEnabled"]:
        _shield(ctx, vm, VMId, ShieldingDataPath)
    settings = _security(ctx, VMId) or {}
    policy = "EncryptionSupported" if settings.get("DataProtectionRequested") else "None"
    return {
        "key_protector_bytes": len(ctx.run("Get-VMKeyProtector", VM=vm)),
        "policy": "Shielded" if settings.get("ShieldingRequested") else policy,
        "tpm_enabled": bool(settings.get("TpmEnabled")),
    }


def _shield(ctx: HandlerContext, vm: dict[str, Any], vm_id: str, path: str) -> None:
    if len(ctx.run("Get-VMKeyProtector", VM=vm)) <= NO_PROTECTOR:
        raw = ctx.run("Get-KeyProtectorFromShieldingDataFile", ShieldingDataFilePath=path)
        ctx.run("Set-VMKeyProtector", VM=vm, KeyProtector=raw)
    before = _security(ctx, vm_id) or {}
    if not (before.get("ShieldingRequested") or before.get("DataProtectionRequested")):
        answer = ctx.one(
            "Invoke-CimMethod", Namespace="root/msps", ClassName="Msps_ProvisioningFileProcessor",
            MethodName="PopulateFromFile", Arguments={"FilePath": path},
        )  # fmt: skip
        _set_policy(ctx, before, answer["ProvisioningFile"]["PolicyData"])
    ctx.run("Enable-VMTPM", VM=vm)


def _set_policy(ctx: HandlerContext, settings: dict[str, Any], policy: list[int]) -> None:
    service = ctx.one(
        "Get-CimInstance", Namespace="root/virtualization/v2", ClassName="Msvm_SecurityService"
    )
    answer = ctx.one(
        "Invoke-CimMethod",
        InputObject=service,
        MethodName="SetSecurityPolicy",
        Arguments={"SecuritySettingData": json.dumps(settings), "SecurityPolicy": policy},
    )
    if answer["ReturnValue"] == 0:
        return
    if answer["ReturnValue"] != AS_A_JOB:
        raise thrown(
            f"The security policy was not accepted: Hyper-V answered {answer['ReturnValue']}."
        )
    job = ctx.one("Get-CimInstance", InputObject=answer["Job"])
    while job["JobState"] < COMPLETED:
        ctx.session.pause(0.2)
        job = ctx.one("Get-CimInstance", InputObject=answer["Job"])
    if job["JobState"] != COMPLETED:
        raise thrown(f"The security policy was not accepted: {job['ErrorDescription']}")


def new_deployment_specialization(
    ctx: HandlerContext, Path: str, Pairs: dict[str, str] | None = None
) -> dict[str, Any]:
    pairs = Pairs or {}
    for key, value in pairs.items():
        if not PLACEHOLDER.fullmatch(key):
            raise thrown(f"'{key}' is no placeholder: one looks like @ComputerName@.")
        if not isinstance(value, str) or not value:
            raise thrown(f"The value for {key} has to be text that is not empty.")
    if ctx.one("Test-Path", LiteralPath=Path):
        ctx.run("Remove-Item", LiteralPath=Path, Force=True)
    ctx.run(
        "New-ShieldedVMSpecializationDataFile",
        ShieldedVMSpecializationDataFilePath=Path,
        SpecializationDataPairs=pairs,
    )
    return {"path": Path}


def invoke_deployment_provisioning(
    ctx: HandlerContext,
    VMId: str,
    ShieldingDataPath: str,
    SpecializationPath: str,
    TimeoutSeconds: int = 3600,
) -> dict[str, Any]:
    told = _provisioning(ctx, VMId)
    if told["state"] == "Gone" and told["vm_state"] == "Off":
        vm = ctx.one("Get-VM", Id=VMId)
        ctx.progress(1, f"Beginning to provision {vm['Name']}")
        ctx.run(
            "Initialize-ShieldedVM", VM=vm, ShieldingDataFilePath=ShieldingDataPath,
            ShieldedVMSpecializationDataFilePath=SpecializationPath,
        )  # fmt: skip
        told = _provisioning(ctx, VMId)
        if told["state"] == "Gone" and told["vm_state"] == "Off":
            raise thrown(
                "Windows has no provisioning job of the virtual machine, although it was asked for "
                "one."
            )
    told = _followed(ctx, VMId, told, TimeoutSeconds)
    return {
        "outcome": told["state"],
        "error_code": told["error_code"],
        "error_description": told["error_description"],
        "vm_state": text(ctx.one("Get-VM", Id=VMId)["State"]),
    }


def _followed(
    ctx: HandlerContext, vm_id: str, told: dict[str, Any], seconds: int
) -> dict[str, Any]:
    until, said = time.monotonic() + seconds, ("", 0)
    while told["state"] in ("Running", "PendingBoot"):
        if time.monotonic() > until:
            raise thrown(
                f"Provisioning has not ended within {seconds} seconds: Windows says "
                f"{told['state']}, {told['percent']} %."
            )
        if said != (told["state"], told["percent"]):
            said = (told["state"], told["percent"])
            ctx.progress(told["percent"], f"The host says: {told['state']}")
        if told["state"] == "PendingBoot" and told["vm_state"] == "Off":
            ctx.run("Start-VM", VM=ctx.one("Get-VM", Id=vm_id))
        ctx.session.pause(0.25)
        told = _provisioning(ctx, vm_id)
    return told


def _provisioning(ctx: HandlerContext, vm_id: str) -> dict[str, Any]:
    vm = ctx.one("Get-VM", Id=vm_id)
    jobs = ctx.quiet("Get-ShieldedVMProvisioningStatus", VM=vm)
    job = jobs[0] if jobs else {}
    return {
        "state": ENDS.get(job["JobState"], "Running") if jobs else "Gone",
        "percent": job.get("PercentComplete", 0),
        "error_code": job.get("ErrorCode", 0),
        "error_description": job.get("ErrorDescription", ""),
        "vm_state": text(vm["State"]),
    }


def add_deployment_to_cluster(ctx: HandlerContext, VMId: str, Name: str) -> dict[str, Any]:
    vm = ctx.one("Get-VM", Id=VMId)
    roles = ctx.run("Get-ClusterGroup", VMId=VMId) if vm["IsClustered"] else []
    roles = roles or ctx.run("Add-ClusterVirtualMachineRole", VMId=VMId, Name=Name)
    return {"group": text(roles[0]["Name"]), "owner_node": text(roles[0]["OwnerNode"])}


HANDLERS = {
    "Test-DeploymentTarget": test_deployment_target,
    "New-DeploymentVM": new_deployment_vm,
    "Set-DeploymentShielding": set_deployment_shielding,
    "New-DeploymentSpecialization": new_deployment_specialization,
    "Invoke-DeploymentProvisioning": invoke_deployment_provisioning,
    "Add-DeploymentToCluster": add_deployment_to_cluster,
}

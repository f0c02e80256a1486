"""Deleting a virtual machine, and of one that the portal made the files made for it.

What has to go is looked up and kept before the first order to a host: afterwards neither the host
nor, once somebody has read the cluster, the portal's own row tells it any more.
"""

from typing import Any
from uuid import UUID

from apps.fabric.models import Cluster, Host
from apps.operations.context import Context
from apps.operations.runners import Runner
from apps.remoting.errors import ScriptRefused
from apps.vms import readings
from apps.vms.models import VirtualMachine
from apps.vms.runners import reach

SECONDS = 110


def _delete(ctx: Context) -> dict[str, Any]:
    vm = _machine(ctx)
    with ctx.step("Delete virtual machine"):
        if ctx.recall("doomed") is None:
            ctx.remember(doomed=_doomed(ctx, vm))
        doomed = ctx.recall("doomed")
        told = reach.call_host(
            ctx, vm, "Remove-DeployedVM",
            {
                "Name": vm.name,
                "Clustered": vm.clustered,
                "Files": doomed["files"],
                "Folder": doomed["folder"],
                "IncludeDisks": bool(ctx.parameters["disks"]),
            },
            timeout=SECONDS,
        )  # fmt: skip
        removed = [*ctx.recall("removed", []), *told["removed"]]
        ctx.remember(removed=removed)
        VirtualMachine.objects.filter(pk=ctx.operation.target_id).delete()
        readings.nudge([vm])
    return {"removed": removed}


def _machine(ctx: Context) -> VirtualMachine:
    """The VM's row; what an earlier worker kept of it where that is gone, as the VM may be."""
    doomed = ctx.recall("doomed")
    if doomed is None or VirtualMachine.objects.filter(pk=ctx.operation.target_id).exists():
        return reach.target(ctx)
    return VirtualMachine(
        pk=UUID(ctx.operation.target_id),
        cluster=Cluster.objects.filter(pk=doomed["cluster"]).first(),
        host=Host.objects.filter(pk=doomed["host"]).first(),
        tenant=ctx.operation.tenant,
        vm_id=UUID(doomed["vm_id"]),
        name=ctx.operation.target_name,
        clustered=doomed["clustered"],
    )


def _doomed(ctx: Context, vm: VirtualMachine) -> dict[str, Any]:
    """Where the VM is, and the files that go with it."""
    made = vm.deployments.filter(status="succeeded").first()
    files = list(made.files) if made else []
    if ctx.parameters["disks"]:
        files += _disks(ctx, vm)
    return {
        "cluster": str(vm.cluster_id),
        "host": str(vm.host_id) if vm.host_id else None,
        "vm_id": str(vm.vm_id),
        "clustered": vm.clustered,
        "files": list(dict.fromkeys(files)),
        "folder": made.folder if made else "",
    }


def _disks(ctx: Context, vm: VirtualMachine) -> list[str]:
    """Its disks' files as its host has them; none where it isn't there, which is no hindrance."""
    try:
        told = reach.call_host(ctx, vm, "Get-VMDetail", {})
    except ScriptRefused as refused:
        ctx.log(f"Its disks couldn’t be listed before: {refused.message}")
        return []
    return [disk["path"] for disk in told["disks"] if disk["path"]]


DELETE = Runner(kind="vm.delete", steps=("Delete virtual machine",), run=_delete, resumable=True)

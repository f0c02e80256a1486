"""Deleting a virtual machine, and of one that the portal made the files made for it."""

from typing import Any

from apps.operations.context import Context
from apps.operations.runners import Runner
from apps.vms import readings
from apps.vms.models import VirtualMachine
from apps.vms.runners import reach


def _delete(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    made = vm.deployments.filter(status="succeeded").first() if hasattr(vm, "deployments") else None
    with ctx.step("Delete virtual machine"):
        told = reach.call_host(
            ctx, vm, "Remove-DeployedVM",
            {
                "Name": vm.name,
                "Clustered": vm.clustered,
                "Files": list(made.files) if made else [],
                "Folder": made.folder if made else "",
                "IncludeDisks": bool(ctx.parameters["disks"]),
            },
            timeout=110,
        )  # fmt: skip
        VirtualMachine.objects.filter(pk=vm.pk).delete()
        readings.nudge([vm])
    return {"removed": told["removed"]}


DELETE = Runner(kind="vm.delete", steps=("Delete virtual machine",), run=_delete, resumable=True)

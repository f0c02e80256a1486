"""What only the page of one virtual machine needs: disks, adapters, checkpoints, security."""

from typing import Any

from apps.operations.context import Context
from apps.operations.runners import Runner
from apps.vms.models import VMDetail
from apps.vms.runners import reach


def _read(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    with ctx.step("Read virtual machine"):
        told = reach.call_host(ctx, vm, "Get-VMDetail", {})
        VMDetail.write(vm, told)
        reach.saw(vm, state=told["state"], protection=told["security"]["protection"])
    return {}


READ = Runner(kind="vm.read", steps=("Read virtual machine",), run=_read, resumable=True)

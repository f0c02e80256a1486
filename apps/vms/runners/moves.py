"""Live and quick migration to another node, and of storage to another volume."""

from typing import Any
from uuid import UUID

from apps.fabric import selectors as fabric
from apps.fabric.models import Host, Volume
from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.operations.runners import Runner
from apps.remoting import scripts
from apps.vms import placements
from apps.vms.models import VirtualMachine
from apps.vms.runners import reach

MOVE_SECONDS = 600
QUIET_SECONDS = 60  # the script says twice a second where the machine is
STORAGE_SECONDS = 12 * 3600


def _move(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    host = Host.objects.get(pk=UUID(ctx.parameters["host"]))
    with ctx.step("Check the target host"):
        _require_placement(vm, host)
    with ctx.step("Migrate virtual machine"):
        told = ctx.call(
            fabric.endpoint_for_cluster(vm.cluster),
            scripts.load("vms", "Move-ClusteredVM"),
            {
                "VMId": str(vm.vm_id),
                "Node": host.name,
                "MigrationType": ctx.parameters["type"].capitalize(),
                "TimeoutSeconds": MOVE_SECONDS,
            },
            timeout=MOVE_SECONDS + 30,
            quiet=QUIET_SECONDS,
        )
    with ctx.step("Read it on its new host"):
        vm.host = Host.objects.get(cluster=vm.cluster, name=told["owner_node"])
        seen = reach.call_host(ctx, vm, "Get-VMSecurityState", {})
        reach.saw(vm, state=seen["state"], protection=seen["protection"])
    return {"host": vm.host.name}


def _require_placement(vm: VirtualMachine, host: Host) -> None:
    """Asked again: between click and move the host may have lost its attestation."""
    if vm.host_id == host.pk:
        return  # an earlier attempt moved it
    found = next((p for p in placements.for_virtual_machine(vm) if p.host.pk == host.pk), None)
    if found is None or not found.allowed:
        reasons = found.reasons if found else ()
        raise OperationFailed(
            reasons[0].code if reasons else "placement-refused",
            " ".join(r.message for r in reasons) or f"{host.name} isn’t a host of the cluster.",
            hint=" ".join(r.fix for r in reasons) or "Choose another host.",
        )


def _move_storage(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    volume = Volume.objects.get(pk=UUID(ctx.parameters["volume"]))
    with ctx.step("Move storage"):
        parameters = {"VolumePath": volume.path, "TimeoutSeconds": STORAGE_SECONDS}
        told = reach.run_job(ctx, vm, "Move-VMFiles", parameters, seconds=STORAGE_SECONDS + 600)
        reach.saw(vm, path=told["path"])
    return {"path": told["path"]}


MOVE = Runner(
    kind="vm.move",
    steps=("Check the target host", "Migrate virtual machine", "Read it on its new host"),
    run=_move,
    resumable=True,
)
MOVE_STORAGE = Runner(
    kind="vm.move-storage", steps=("Move storage",), run=_move_storage, resumable=True
)

"""Taking, applying and deleting checkpoints."""

from typing import Any

from apps.operations.context import Context
from apps.operations.runners import Runner
from apps.vms.runners import reach

SECONDS = 110
#: What is kept of the answer: no more than is named here, whatever else a host says.
MADE = ("id", "name", "parent_id", "created_at", "type")


def _take(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    with ctx.step("Take checkpoint"):
        told = reach.call_host(
            ctx, vm, "New-VMSnapshotPoint", {"Name": ctx.parameters["name"]}, timeout=SECONDS
        )
    return {name: told[name] for name in MADE}


def _apply(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    with ctx.step("Apply checkpoint"):
        told = reach.call_host(
            ctx, vm, "Restore-VMSnapshotPoint", {"CheckpointId": ctx.parameters["checkpoint_id"]},
            timeout=SECONDS,
        )  # fmt: skip
        reach.saw(vm, state=told["state"])
    return {"state": told["state"]}


def _delete(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    with ctx.step("Delete checkpoint"):
        told = reach.call_host(
            ctx, vm, "Remove-VMSnapshotPoint", {"CheckpointId": ctx.parameters["checkpoint_id"]},
            timeout=SECONDS,
        )  # fmt: skip
    return {"removed": told["removed"]}


TAKE = Runner(kind="vm.checkpoint", steps=("Take checkpoint",), run=_take, resumable=True)
APPLY = Runner(kind="vm.checkpoint-apply", steps=("Apply checkpoint",), run=_apply, resumable=True)
DELETE = Runner(
    kind="vm.checkpoint-delete", steps=("Delete checkpoint",), run=_delete, resumable=True
)

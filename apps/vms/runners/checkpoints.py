"""Taking, applying and deleting checkpoints."""

from typing import Any

from apps.operations.context import Context
from apps.operations.runners import Runner
from apps.vms.runners import reach


def _take(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    with ctx.step("Take checkpoint"):
        return dict(
            reach.call_host(
                ctx, vm, "New-VMSnapshotPoint", {"Name": ctx.parameters["name"]}, timeout=300
            )
        )


def _apply(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    with ctx.step("Apply checkpoint"):
        told = reach.call_host(
            ctx, vm, "Restore-VMSnapshotPoint", {"CheckpointId": ctx.parameters["checkpoint_id"]},
            timeout=300,
        )  # fmt: skip
        reach.saw(vm, state=told["state"])
    return dict(told)


def _delete(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    with ctx.step("Delete checkpoint"):
        return dict(
            reach.call_host(
                ctx, vm, "Remove-VMSnapshotPoint",
                {"CheckpointId": ctx.parameters["checkpoint_id"]}, timeout=300,
            )
        )  # fmt: skip


TAKE = Runner(kind="vm.checkpoint", steps=("Take checkpoint",), run=_take, resumable=True)
APPLY = Runner(kind="vm.checkpoint-apply", steps=("Apply checkpoint",), run=_apply, resumable=True)
DELETE = Runner(
    kind="vm.checkpoint-delete", steps=("Delete checkpoint",), run=_delete, resumable=True
)

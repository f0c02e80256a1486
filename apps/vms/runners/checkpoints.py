"""Taking, applying and deleting checkpoints.

Taking or applying twice isn't the same as once. So each looks before, keeps what it saw, and a
worker that takes over from a lost one compares.
"""

import datetime
from typing import Any

from django.utils import timezone

from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.operations.runners import Runner
from apps.vms.models import VirtualMachine
from apps.vms.runners import reach

SECONDS = 110
#: What is kept of the answer: no more than is named here, whatever else a host says.
MADE = ("id", "name", "parent_id", "created_at", "type")
RUNS = ("Running", "Paused")


def _take(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    with ctx.step("Take checkpoint"):
        if ctx.recall("known") is None:
            told = reach.call_host(ctx, vm, "Get-VMDetail", {})
            ctx.remember(known=[row["id"] for row in told["checkpoints"]])
        told = reach.call_host(
            ctx, vm, "New-VMSnapshotPoint",
            {"Name": ctx.parameters["name"], "Known": ctx.recall("known")}, timeout=SECONDS,
        )  # fmt: skip
    return {name: told[name] for name in MADE}


def _apply(ctx: Context) -> dict[str, Any]:
    vm = reach.target(ctx)
    with ctx.step("Apply checkpoint"):
        state = _applied(ctx, vm)
        if state is None:
            told = reach.call_host(
                ctx, vm, "Restore-VMSnapshotPoint",
                {"CheckpointId": ctx.parameters["checkpoint_id"]}, timeout=SECONDS,
            )  # fmt: skip
            state = told["state"]
        reach.saw(vm, state=state)
    return {"state": state}


def _applied(ctx: Context, vm: VirtualMachine) -> str | None:
    """The machine's state where an earlier worker had the checkpoint applied, else None.

    Applying stops a machine: one that ran before, and has run since without a break, wasn't put
    back. One that stood still before and does so now may be put back again: nothing is lost by it.
    """
    told = reach.call_host(ctx, vm, "Get-VMDetail", {})
    before = ctx.recall("before")
    if before is None:
        now = timezone.now().isoformat()
        ctx.remember(before={"state": told["state"], "uptime": told["uptime_seconds"], "at": now})
        return None
    if told["stands_on"] != ctx.parameters["checkpoint_id"]:
        return None
    ran, runs = before["state"] in RUNS, told["state"] in RUNS
    if runs and not ran:
        raise OperationFailed(
            "checkpoint-unclear",
            f"{vm.name} was started while the checkpoint was to be applied. Whether before or "
            "after, nobody has seen.",
            hint="See what it holds. Apply the checkpoint again if it is wanted after all.",
        )
    if not ran or (runs and not _was_stopped(before, told["uptime_seconds"])):
        return None
    return str(told["state"])


def _was_stopped(before: dict[str, Any], uptime: int) -> bool:
    """Whether a machine that runs has been stopped since: it ran for less than it would have."""
    at = datetime.datetime.fromisoformat(before["at"])
    since = (timezone.now() - at).total_seconds()
    return uptime < since + before["uptime"] / 2


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

"""Start, shut down, turn off, save, pause, resume, restart."""

import datetime
from typing import Any

from django.utils import timezone

from apps.attestation import selectors as attestation
from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.operations.runners import Runner
from apps.vms.lifecycle import PowerAction, PowerVerb
from apps.vms.models import VirtualMachine
from apps.vms.runners import reach

#: How long a guest may take to shut down before the host gives up asking.
SHUT_DOWN_SECONDS = 60


def runner_for(action: PowerAction) -> Runner:
    def run(ctx: Context) -> dict[str, Any]:
        return _run(ctx, action)

    return Runner(kind=action.kind, steps=(action.step,), run=run, resumable=True)


def _run(ctx: Context, action: PowerAction) -> dict[str, Any]:
    vm = reach.target(ctx)
    with ctx.step(action.step):
        _require_attested_host(vm, action)
        again = _restart(ctx, vm) if action.verb == PowerVerb.RESTART else {}
        told = reach.call_host(
            ctx, vm, "Set-VMPowerState",
            {"Action": action.windows, "TimeoutSeconds": SHUT_DOWN_SECONDS, **again},
        )  # fmt: skip
        reach.saw(vm, state=told["state"], uptime_seconds=told["uptime_seconds"])
    return {"state": told["state"]}


def _require_attested_host(vm: VirtualMachine, action: PowerAction) -> None:
    """The verdict may have changed since the click."""
    starts = action.verb in (PowerVerb.START, PowerVerb.RESUME, PowerVerb.RESTART)
    if not (starts and vm.guarded and vm.host):
        return
    verdict = attestation.verdict_of(vm.host)
    if verdict is None or verdict.status != "Passed":
        raise OperationFailed(
            "host-not-attested",
            f"{vm.host.name} hasn’t passed attestation, so {vm.name} gets no key there.",
            hint=verdict.fix if verdict else "Put the host under a guardian service.",
        )


def _restart(ctx: Context, vm: VirtualMachine) -> dict[str, int]:
    """How the host knows a restart that it did for an earlier worker: it mustn't come twice.

    Kept before the first order: how long the machine had run. One that has run for less than that
    and the time since was restarted; halfway between leaves most room for both being inexact.
    """
    now = timezone.now()
    before = ctx.recall("before")
    if before is None:
        seconds = (now - vm.started_at).total_seconds() if vm.started_at else 0.0
        ctx.remember(before={"ran": max(0.0, seconds), "at": now.isoformat()})
        return {}
    since = (now - datetime.datetime.fromisoformat(before["at"])).total_seconds()
    return {"RestartedWithinMilliseconds": int(1000 * (since + before["ran"] / 2))}

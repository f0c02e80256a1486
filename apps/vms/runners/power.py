"""Start, shut down, turn off, save, pause, resume, restart."""

from typing import Any

from django.utils import timezone

from apps.attestation import selectors as attestation
from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.operations.runners import Runner
from apps.vms.choices import VMState
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
        if action.verb == PowerVerb.RESTART and _restarted(ctx, vm):
            return {"state": VMState.RUNNING}
        told = reach.call_host(
            ctx, vm, "Set-VMPowerState",
            {"Action": action.windows, "TimeoutSeconds": SHUT_DOWN_SECONDS},
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


def _restarted(ctx: Context, vm: VirtualMachine) -> bool:
    """Whether an earlier attempt, whose worker died, did the restart: it mustn't come twice."""
    if ctx.operation.attempt <= 1 or ctx.operation.created_at is None:
        return False
    told = reach.call_host(ctx, vm, "Get-VMDetail", {})
    up = told.get("uptime_seconds")
    asked = (timezone.now() - ctx.operation.created_at).total_seconds()
    return told["state"] == "Running" and up is not None and up < asked

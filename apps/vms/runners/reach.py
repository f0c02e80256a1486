"""Finding the host that has a virtual machine right now, and writing down what it answered."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone

from apps.fabric import selectors as fabric
from apps.fabric.models import Host
from apps.operations import jobs
from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.remoting import Endpoint, scripts
from apps.remoting.errors import RemotingError, ScriptRefused, Stopped
from apps.vms import readings
from apps.vms.choices import protection_from_windows, state_from_windows
from apps.vms.models import VirtualMachine


def target(ctx: Context) -> VirtualMachine:
    """The VM that an operation is about, as the rows have it now."""
    vm = (
        VirtualMachine.objects.select_related("cluster", "host")
        .filter(pk=ctx.operation.target_id)
        .first()
    )
    if vm is None:
        raise OperationFailed(
            "not-found",
            f"{ctx.operation.target_name} no longer exists.",
            hint="It was deleted, or its cluster was removed from the portal.",
        )
    return vm


def call_host(
    ctx: Context, vm: VirtualMachine, script: str, parameters: Mapping[str, Any],
    *, timeout: float = 90,
) -> Any:  # fmt: skip
    """Runs a script on the host that has the VM."""
    loaded = scripts.load("vms", script)
    sent = {"VMId": str(vm.vm_id), **parameters}
    return _where_it_is(ctx, vm, lambda way: ctx.call(way, loaded, sent, timeout=timeout))


def run_job(
    ctx: Context, vm: VirtualMachine, script: str, parameters: Mapping[str, Any], *, seconds: float
) -> Any:
    """The same of a script that takes long, as a job of the host's own."""
    loaded = scripts.load("vms", script)
    sent = {"VMId": str(vm.vm_id), **parameters}
    return _where_it_is(ctx, vm, lambda way: jobs.run(ctx, way, loaded, sent, seconds=seconds))


def _where_it_is(ctx: Context, vm: VirtualMachine, ask: Callable[[Endpoint], Any]) -> Any:
    """What the host answers that has the VM.

    A VM may have moved since it was last read: where its host refuses, the cluster is asked once
    for the owner, and where that is another host that one is asked.
    """
    try:
        return ask(fabric.endpoint_for_host(_host(vm)))
    except ScriptRefused:
        if not vm.clustered:
            raise
        found = owner(ctx, vm)
        if found is None or found.pk == vm.host_id:
            raise
        ctx.log(f"{vm.name} is on {found.name} by now.")
        vm.host = found
        return ask(fabric.endpoint_for_host(found))


def _host(vm: VirtualMachine) -> Host:
    if vm.host is None:
        raise OperationFailed(
            "host-unknown",
            f"The portal doesn’t know which host has {vm.name}.",
            hint="Refresh its cluster, then try again.",
        )
    return vm.host


def owner(ctx: Context, vm: VirtualMachine) -> Host | None:
    """Which host has the VM, as its cluster says now; None where that doesn't say so."""
    script = scripts.load("fabric", "Get-ClusterInventory")
    try:
        inventory = ctx.call(fabric.endpoint_for_cluster(vm.cluster), script, {})
    except Stopped:
        raise
    except RemotingError as error:
        ctx.log(f"{vm.cluster.name} couldn’t be asked where {vm.name} is: {error.message}")
        return None
    for group in inventory["groups"]:
        if group["vm_id"] and group["vm_id"].lower() == str(vm.vm_id):
            return Host.objects.filter(cluster=vm.cluster, name=group["owner_node"]).first()
    return None


def saw(vm: VirtualMachine, **told: Any) -> None:
    """Writes what a host just told of a VM into its row, unless a later reading is there already.

    `told`: any of Windows' `state` and `protection`, `uptime_seconds`, and columns by their names.
    """
    now = timezone.now()
    changes: dict[str, Any] = {"observed_at": now, "failing_since": None, "problem": ""}
    if vm.host_id:
        changes["host_id"] = vm.host_id
    if "state" in told:
        changes["state"] = changes["last_known_state"] = state_from_windows(told.pop("state"))
    if "protection" in told:
        changes["protection"] = protection_from_windows(told.pop("protection"))
    if "uptime_seconds" in told:
        changes["started_at"] = _started(told.pop("uptime_seconds"), now)
    VirtualMachine.objects.filter(pk=vm.pk).update(**changes, **told)
    readings.nudge([vm])


def _started(uptime_seconds: int | None, now: datetime.datetime) -> datetime.datetime | None:
    return readings.start_of(None, uptime_seconds, now)

"""What the fabric does on hosts: reading anew, emptying a host, taking it back."""

from typing import Any

from apps.fabric import inventory, locks, selectors
from apps.fabric.credentials import EnvelopeError
from apps.fabric.models import Cluster, Host
from apps.operations import runners
from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.operations.runners import Runner
from apps.remoting import Endpoint, scripts

READ = "Read the cluster and its hosts"
DRAIN = "Pause the host and move its virtual machines away"
RESUME = "Resume the host and bring its virtual machines back"
#: How long a refresh waits for a reading that is under way, to read anew after it.
WAIT_SECONDS = 55
#: Live migrations of a full host take their time; the script tells how far it is.
DRAIN_SECONDS = 1800
#: … and after so long without a word of it the host hangs.
QUIET_SECONDS = 60


def register() -> None:
    runners.register(
        Runner(kind="cluster.refresh", steps=(READ,), run=refresh,
               permission=("cluster", "refresh"))
    )  # fmt: skip
    runners.register(
        Runner(kind="host.drain", steps=(DRAIN, READ), run=drain, permission=("host", "manage"))
    )
    runners.register(
        Runner(kind="host.resume", steps=(RESUME, READ), run=resume, permission=("host", "manage"))
    )


def refresh(ctx: Context) -> dict[str, Any]:
    cluster = Cluster.objects.filter(pk=ctx.operation.target_id).first()
    if cluster is None:
        raise _gone(ctx)
    with ctx.step(READ):
        return read(ctx, cluster).as_result()


def drain(ctx: Context) -> dict[str, Any]:
    host = _host(ctx)
    with ctx.step(DRAIN):
        told = ctx.call(
            _cluster_endpoint(host), scripts.load("fabric", "Suspend-HostWithDrain"),
            {"Name": host.name, "TimeoutSeconds": DRAIN_SECONDS}, timeout=DRAIN_SECONDS + 30,
            quiet=QUIET_SECONDS,
        )  # fmt: skip
    with ctx.step(READ):
        read(ctx, host.cluster)
    return {"state": told["state"], "drain": told["drain"]}


def resume(ctx: Context) -> dict[str, Any]:
    host = _host(ctx)
    failback = "Immediate" if ctx.parameters.get("failback", True) else "NoFailback"
    with ctx.step(RESUME):
        told = ctx.call(
            _cluster_endpoint(host), scripts.load("fabric", "Resume-HostWithFailback"),
            {"Name": host.name, "Failback": failback}, timeout=90,
        )  # fmt: skip
    with ctx.step(READ):
        read(ctx, host.cluster)
    return {"state": told["state"], "drain": told["drain"]}


def read(ctx: Context, cluster: Cluster) -> inventory.Reading:
    """Reads after any reading that is under way, so that rows show what is true now."""
    try:
        with locks.reading(cluster.pk, wait_seconds=WAIT_SECONDS):
            return inventory.read_cluster(cluster, on_progress=ctx.progress)
    except locks.Busy as busy:
        raise OperationFailed(
            "busy",
            f"Another reading of {cluster.name} hasn’t ended within {WAIT_SECONDS} seconds.",
            hint="Try again; if it stays so, see which of its hosts doesn’t answer.",
        ) from busy


def _host(ctx: Context) -> Host:
    host = Host.objects.select_related("cluster").filter(pk=ctx.operation.target_id).first()
    if host is None:
        raise _gone(ctx)
    return host


def _cluster_endpoint(host: Host) -> Endpoint:
    try:
        return selectors.endpoint_for_cluster(host.cluster)
    except EnvelopeError as error:
        raise OperationFailed(
            "credential", str(error), hint="Enter the cluster’s password anew."
        ) from error


def _gone(ctx: Context) -> OperationFailed:
    return OperationFailed(
        "not-found",
        f"{ctx.operation.target_name} no longer exists.",
        hint="Its cluster was removed from the portal, or it was evicted from the cluster.",
    )

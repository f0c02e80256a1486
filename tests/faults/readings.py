"""What reads hosts without an operation: the observer, the preflights, the console's last look.

Each gives how it ended, as operations do: OK, or the code of what was said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apps.console import runners as console
from apps.fabric import preflight
from apps.fabric.tasks import observe_cluster
from apps.remoting.errors import RemotingError
from apps.vms.deployments import services as deployments
from tests.faults.catalogue import OK
from tests.recipes import GIB, plan_of
from tests.stage import NODES, Stage

SAID = "said"


@dataclass(frozen=True)
class Reading:
    """`read` gives OK, SAID where its own answer tells of the failure, or the code of the error."""

    label: str
    script: str
    read: Callable[[Stage], str]
    probes: bool = False  # asks more than its script, so that a fault may be spent on that

    @property
    def scripts(self) -> tuple[str, ...]:
        return (self.script,)


def _observed(stage: Stage) -> str:
    """A failing cluster or host marks its rows, says since when and why, and raises nothing."""
    observe_cluster(str(stage.cluster.pk))
    stage.cluster.refresh_from_db()
    rows = [stage.cluster, *(stage.host(name) for name in NODES)]
    missed = [row for row in rows if row.failing_since]
    for row in missed:
        if not row.problem:
            raise AssertionError(f"{row} isn't read and doesn't say why")
    if stage.cluster.failing_since and len(missed) < len(rows):
        raise AssertionError("the cluster isn't read, and a host of it looks as if it was")
    return SAID if missed else OK


def _cluster_preflight(stage: Stage) -> str:
    told = preflight.preflight_cluster(actor=stage.admin, **stage.way)
    wrong = [check for check in told.checks if check.ok is False]
    if not all(check.message and check.fix for check in wrong):
        raise AssertionError(f"a check without words: {wrong}")
    return OK if told.ok else SAID


def _deployment_preflight(stage: Stage) -> str:
    told = deployments.preflight(actor=stage.admin, plan=plan_of(stage, disk_size_bytes=GIB))
    wrong = [check for check in told.checks if not check.ok]
    if not all(check.message and check.fix for check in wrong):
        raise AssertionError(f"a check without words: {wrong}")
    return OK if told.ok else SAID


def _console(stage: Stage) -> str:
    try:
        console.protection_now(stage.vm)
    except RemotingError as error:
        return SAID if error.message and error.hint else "without words"
    return OK


READINGS: tuple[Reading, ...] = (
    Reading("observe the cluster", "Get-ClusterInventory", _observed),
    Reading("observe the hosts", "Get-HostInventory", _observed),
    Reading("preflight of a cluster", "Test-HostReadiness", _cluster_preflight, probes=True),
    Reading("preflight of a deployment", "Test-DeploymentTarget", _deployment_preflight),
    Reading("before a console opens", "Get-VMSecurityState", _console),
)

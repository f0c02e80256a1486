"""deployment.clean-up: removes what a deployment that didn't succeed left, and nothing else."""

from typing import Any

from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.operations.models import Operation
from apps.operations.runners import Runner
from apps.vms import readings
from apps.vms.deployments import services
from apps.vms.deployments.models import Deployment
from apps.vms.deployments.steps.site import Site
from apps.vms.models import VirtualMachine

LOOK, REMOVE = "See what is there", "Remove it"


def _clean_up(ctx: Context) -> dict[str, Any]:
    related = ("host__cluster", "volume", "virtual_machine")
    deployment = (
        Deployment.objects.select_related(*related).filter(pk=ctx.operation.target_id).first()
    )
    if deployment is None:
        raise OperationFailed("not-found", f"{ctx.operation.target_name} is gone.")
    site = Site(ctx, deployment, is_patient=False)  # nothing is lost by trying again later
    with ctx.step(LOOK):
        site.remains()  # also finds a VM of it whose id was never told
    with ctx.step(REMOVE):
        removed = site.remove()
    vm = deployment.virtual_machine
    VirtualMachine.objects.filter(deployments=deployment).delete()
    Deployment.objects.filter(pk=deployment.pk).update(
        leftovers=[], files=[], vm_id=None, virtual_machine=None
    )
    if vm is not None:
        readings.nudge([vm])
    return {"removed": removed}


def _after(operation: Operation) -> None:
    deployment = Deployment.objects.filter(pk=operation.target_id).first()
    if deployment is not None:
        services.nudge(deployment)


CLEAN_UP = Runner(
    kind=services.CLEAN_UP,
    steps=(LOOK, REMOVE),
    run=_clean_up,
    resumable=True,
    after=_after,
    permission=("deployment", "delete"),
)

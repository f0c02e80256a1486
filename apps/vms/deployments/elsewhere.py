"""Retrying a deployment on another host of its cluster. What the library put on the volume is found
there by its content, and isn't fetched again.
"""

import dataclasses

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import require
from apps.common.errors import Conflict, Invalid, PlacementRefused
from apps.fabric.models import Host
from apps.library import selectors as library
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.vms.deployments import services
from apps.vms.deployments.models import Deployment
from apps.vms.placements import Placement


def hindrance(deployment: Deployment) -> str:
    """Why it can be retried on no other host; empty where it can be."""
    if deployment.operation is None or not deployment.operation.can_retry:
        return "Only what failed, errored or was cancelled can be retried."
    if deployment.volume is None:
        return "The volume that was chosen for it isn’t in the portal any more."
    if deployment.leftovers:
        where = deployment.host.name if deployment.host else "the host"
        return f"Something of it is still on {where}: clean up first, so that there are never two."
    return ""


def placements(deployment: Deployment) -> list[Placement]:
    """Every other host of its cluster, with whether it may take it and why not."""
    if deployment.volume is None:
        return []
    found = services.plan_of(deployment).placements()
    return [place for place in found if place.host.pk != deployment.host_id]


def is_there(deployment: Deployment) -> bool:
    """Whether the volume has a copy of the largest file that it is made of."""
    disk = deployment.template_disk
    if disk is None or deployment.volume is None:
        return False
    return library.is_staged(deployment.volume, disk)


@transaction.atomic
def retry(*, actor: User, deployment: Deployment, host: Host) -> Operation:
    """The same deployment once more, on that host. Raises Conflict, Invalid, PlacementRefused."""
    require(actor, "deploy", deployment)
    row = Deployment.objects.select_for_update(of=("self",), no_key=True).select_related(
        "operation", "cluster", "host", "volume", "virtual_switch", "template_disk",
        "shielding_data", "iso", "tenant",
    ).get(pk=deployment.pk)  # fmt: skip
    why_not = hindrance(row)
    if row.operation is None or why_not:
        raise Conflict(why_not, hint="Clean up first." if row.leftovers else "")
    if host.cluster_id != row.cluster_id or host.pk == row.host_id:
        raise Invalid.field("host", f"{host.name} is no other host of {row.cluster.name}.")
    plan = dataclasses.replace(services.plan_of(row), host=host)
    place = plan.chosen(plan.placements())
    if place is None or not place.allowed:
        reasons = place.reasons if place is not None else ()
        raise PlacementRefused(
            f"{host.name} can’t take it. {' '.join(one.message for one in reasons)}".strip(),
            hint=" ".join(dict.fromkeys(one.fix for one in reasons)),
            reasons=[one.as_dict() for one in reasons],
        )
    Deployment.objects.filter(pk=row.pk).update(host=host)
    return operations.retry(actor=actor, operation=row.operation)

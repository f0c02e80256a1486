"""Trying a deployment out, asking for it, asking again, taking away what a failed one left."""

import dataclasses
from typing import Any

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.accounts.permissions import require, require_noun
from apps.common.errors import (
    Conflict,
    Invalid,
    NoSpace,
    PlacementRefused,
    PortalError,
    QuotaExceeded,
)
from apps.fabric.models import Host
from apps.operations import nudges
from apps.operations import services as operations
from apps.operations.choices import Status
from apps.operations.models import Operation
from apps.vms.deployments import checks, steps, target
from apps.vms.deployments.checks import Check
from apps.vms.deployments.models import Deployment
from apps.vms.deployments.plans import Plan
from apps.vms.placements import Placement

KIND, CLEAN_UP = "deployment.deploy", "deployment.clean-up"


@dataclasses.dataclass(frozen=True)
class Preflight:
    """What would happen, and why not."""

    checks: list[Check]
    placements: list[Placement]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


def preflight(*, actor: User, plan: Plan) -> Preflight:
    """Tries a deployment out; changes nothing, here or on a host."""
    require_noun(actor, "deployment", "deploy")
    plan = owned(actor, plan)
    places = plan.placements()
    place = plan.chosen(places)
    found = [*checks.of_request(plan), _placement_check(plan, place)]
    if place is not None and place.allowed and place.host.state == "up":
        found += target.ask(plan, place.host)
    return Preflight(found, places)


def owned(actor: User, plan: Plan) -> Plan:
    """A tenant's people deploy for their tenant, and for nobody else."""
    if actor.tenant is None:
        return plan
    if plan.tenant is not None and plan.tenant.pk != actor.tenant_id:
        raise Invalid.field("tenant", "You deploy for your own tenant.")
    if plan.iso is not None and plan.iso.tenant_id != actor.tenant_id:
        raise Invalid.field("iso", "There is no such ISO image in your library.")
    if plan.template_disk is None and plan.iso is None:
        raise Invalid.field(
            "template_disk", "A tenant deploys from its own library.", code="required"
        )
    return dataclasses.replace(plan, tenant=actor.tenant)


def _placement_check(plan: Plan, place: Placement | None) -> Check:
    if place is None:
        where = plan.host.name if plan.host else f"No host of {plan.cluster.name}"
        return Check(
            "placement", False, f"{where} can take it.",
            "See each host’s reasons.", "host", "placement-refused",
        )  # fmt: skip
    if place.allowed:
        return Check("placement", True, f"It would be made on {place.host.name}.")
    return Check(
        "placement", False, " ".join(reason.message for reason in place.reasons),
        " ".join(reason.fix for reason in place.reasons), "host", "placement-refused",
    )  # fmt: skip


@transaction.atomic
def deploy(*, actor: User, plan: Plan) -> Deployment:
    """Asks for a virtual machine; the deployment, with its operation.

    Raises Invalid naming fields, PlacementRefused, QuotaExceeded, NoSpace.
    """
    require_noun(actor, "deployment", "deploy")
    plan = owned(actor, plan)
    plan.hold()
    found = checks.of_request(plan)
    _require(found)
    deployment = row_of(plan, _require_place(plan).host, found)
    queue(actor, deployment, None)
    return deployment


def row_of(plan: Plan, host: Host, found: list[Check]) -> Deployment:
    """The row, not saved yet, of a machine that is to be made on that host."""
    row = Deployment(
        name=plan.name,
        cluster=plan.cluster,
        host=host,
        volume=plan.volume,
        virtual_switch=plan.virtual_switch,
        template_disk=plan.template_disk,
        shielding_data=plan.shielding_data,
        iso=plan.iso,
        tenant=plan.owner,
        processors=plan.processors,
        memory_bytes=plan.memory_bytes,
        disk_size_bytes=plan.disk_size_bytes,
        start=plan.start,
        checks=[check.as_dict() for check in found],
        folder=rf"{plan.volume.path}\FabricPortal\vms\{plan.name}",
    )
    row.specialization = dict(plan.specialization)
    return row


def _require(found: list[Check]) -> None:
    wrong = [check for check in found if not check.ok]
    if not wrong:
        return
    message = wrong[0].message if len(wrong) == 1 else f"{len(wrong)} things aren’t right."
    kinds: dict[str, type[PortalError]] = {"no-space": NoSpace, "quota-exceeded": QuotaExceeded}
    kind = kinds.get(wrong[0].code, Invalid) if len(wrong) == 1 else Invalid
    raise kind(
        message,
        hint=" ".join(dict.fromkeys(check.fix for check in wrong if check.fix)),
        errors=[check.as_field_error() for check in wrong],
    )


def _require_place(plan: Plan) -> Placement:
    places = plan.placements()
    place = plan.chosen(places)
    if place is not None and place.allowed:
        return place
    told = [place] if place is not None else places
    reasons = [reason for one in told for reason in one.reasons]
    where = place.host.name if place is not None else f"no host of {plan.cluster.name}"
    raise PlacementRefused(
        f"{plan.name} can’t be made: {where} can’t take it. "
        + " ".join(reason.message for reason in reasons),
        hint=" ".join(dict.fromkeys(reason.fix for reason in reasons)),
        reasons=[reason.as_dict() for reason in reasons],
    )


def queue(actor: User, deployment: Deployment, retry_of: Operation | None) -> Operation:
    """Saves the row and asks for the operation that makes it. Raises Conflict where another one of
    that name is under way in the cluster.
    """
    deployment.status = Status.QUEUED
    try:
        with transaction.atomic():
            deployment.save()
    except IntegrityError:
        raise Conflict(
            f"A virtual machine named {deployment.name} is being made in that cluster just now."
        ) from None
    operation = operations.request(
        actor=actor,
        kind=KIND,
        target_kind="deployment",
        target_id=deployment.pk,
        target_name=deployment.name,
        title=f"Deploy {deployment.name}",
        tenant=deployment.tenant,
        retry_of=retry_of,
        steps=steps.names_of(deployment),
    )
    deployment.operation = operation
    deployment.save(update_fields=["operation"])
    nudge(deployment)
    return operation


@transaction.atomic
def again(*, actor: User, operation: Operation) -> Operation:
    """The same deployment once more. What the first try made is found and used again."""
    deployment = Deployment.objects.filter(pk=operation.target_id).first()
    if deployment is None or deployment.volume is None or _lacks_a_file(deployment, operation):
        raise Conflict("What it was to be made of isn’t there any more.")
    if deployment.operation_id != operation.pk:
        raise Conflict("It was retried already, or cleaned up.")
    require(actor, "deploy", deployment)
    return queue(actor, deployment, operation)


def _lacks_a_file(deployment: Deployment, operation: Operation) -> bool:
    """Without one of them a retry would make another machine than was asked for: an unprotected
    one, where the shielding data is gone.
    """
    asked = {step["name"] for step in operation.steps}
    return bool(asked - set(steps.names_of(deployment)) & steps.BRINGS)


@transaction.atomic
def clean_up(*, actor: User, deployment: Deployment) -> Operation | None:
    """Asks for the removal of what a failed deployment left; None where nothing is left."""
    require(actor, "delete", deployment)
    operations.require_none_active("deployment", deployment.pk)
    if deployment.lasting_status == Status.SUCCEEDED:
        raise Conflict(
            f"{deployment.name} was made; there is nothing to clean up.",
            hint="Delete the virtual machine if it isn’t wanted any more.",
        )
    if not deployment.leftovers:
        return None
    return operations.request(
        actor=actor,
        kind=CLEAN_UP,
        target_kind="deployment",
        target_id=deployment.pk,
        target_name=deployment.name,
        title=f"Clean up {deployment.name}",
        tenant=deployment.tenant,
    )


def nudge(deployment: Deployment) -> None:
    nudges.publish("deployment", deployment.pk, deployment.tenant_id)


def plan_of(deployment: Deployment) -> Plan:
    """What it was asked to be, for asking a host again. Needs its volume to be there."""
    values: dict[str, Any] = {
        part.name: getattr(deployment, part.name) for part in dataclasses.fields(Plan)
    }
    return Plan(**values)

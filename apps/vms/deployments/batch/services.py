"""Trying a batch out, asking for it, asking again for what failed of it."""

import dataclasses
from typing import Any

from django.db import transaction

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
from apps.operations import services as operations
from apps.operations.choices import RETRYABLE
from apps.operations.models import Operation
from apps.vms.deployments import services as single
from apps.vms.deployments.batch import planning
from apps.vms.deployments.batch.planning import Order, Trial
from apps.vms.deployments.models import Deployment, DeploymentBatch

KIND = "deployment.batch"
_KINDS: dict[str, type[PortalError]] = {
    "no-space": NoSpace,
    "quota-exceeded": QuotaExceeded,
    "placement-refused": PlacementRefused,
}


def preflight(*, actor: User, order: Order) -> Trial:
    """Tries a batch out; changes nothing, here or on a host."""
    require_noun(actor, "deployment", "deploy")
    return planning.try_out(_owned(actor, order))


def _owned(actor: User, order: Order) -> Order:
    return dataclasses.replace(order, plan=single.owned(actor, order.plan))


@transaction.atomic
def deploy(*, actor: User, order: Order) -> DeploymentBatch:
    """Asks for every machine of an order, or for none: the batch, with the operation that follows
    them.

    Raises Invalid naming cells, PlacementRefused, QuotaExceeded, NoSpace.
    """
    order.plan.hold()
    trial = preflight(actor=actor, order=order)
    _require(trial)
    plan = trial.machines[0][0]
    batch = DeploymentBatch.objects.create(
        title=_title(trial), cluster=plan.cluster, tenant=plan.owner
    )
    for number, (one, host) in enumerate(trial.machines, 1):
        if host is None:
            raise AssertionError("A trial that is ok has a host for each machine.")
        row = single.row_of(one, host, trial.checks)
        row.batch, row.batch_number = batch, number
        single.queue(actor, row, None)
    _follow(actor, batch, None)
    return batch


def _title(trial: Trial) -> str:
    names = [plan.name for plan, _ in trial.machines]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}, {len(names)} machines"


def _require(trial: Trial) -> None:
    wrong = [check for check in trial.checks if not check.ok]
    errors = [*trial.errors, *(check.as_field_error() for check in wrong)]
    if not errors:
        return
    codes = {one.code for one in errors}
    kind = _KINDS.get(codes.pop(), Invalid) if len(codes) == 1 else Invalid
    raise kind(
        errors[0].message if len(errors) == 1 else f"{len(errors)} things aren’t right.",
        hint=" ".join(dict.fromkeys(check.fix for check in wrong if check.fix)),
        errors=errors,
    )


def _follow(actor: User, batch: DeploymentBatch, retry_of: Operation | None) -> Operation:
    """Asks for the operation that follows what is under way of a batch."""
    rows = [row for row in machines(batch) if row.operation and row.operation.active]
    operation = operations.request(
        actor=actor,
        kind=KIND,
        target_kind="deployment-batch",
        target_id=batch.pk,
        target_name=batch.title,
        title=f"Deploy {batch.title}",
        tenant=batch.tenant,
        retry_of=retry_of,
        parameters={"deployments": [str(row.pk) for row in rows]},
        steps=[row.name for row in rows],
    )
    batch.operation = operation
    batch.save(update_fields=["operation"])
    return operation


def machines(batch: DeploymentBatch) -> list[Deployment]:
    """The deployments of a batch, in the order of its table."""
    related = ("operation", "host", "virtual_machine", "cluster")
    return list(batch.deployments.select_related(*related).order_by("batch_number"))


@transaction.atomic
def again(*, actor: User, operation: Operation) -> Operation:
    """Once more what failed of a batch; what was made stays as it is."""
    batch = DeploymentBatch.objects.filter(pk=operation.target_id).first()
    if batch is None or batch.operation_id != operation.pk:
        raise Conflict("It was retried already, or isn’t there any more.")
    require(actor, "deploy", batch)
    asked, reasons = 0, []
    for row in machines(batch):
        if row.operation is None or row.operation.status not in RETRYABLE:
            continue
        try:
            single.again(actor=actor, operation=row.operation)
            asked += 1
        except Conflict as error:
            reasons.append(f"{row.name}: {error.detail}")
    if not asked:
        raise Conflict(" ".join(reasons) or "All of it was made, or is under way.")
    return _follow(actor, batch, operation)


def outcome(row: Deployment) -> dict[str, Any]:
    """One machine of a batch as results tell it."""
    operation = row.operation
    step = operation.current_step if operation else None
    return {
        "number": row.batch_number,
        "name": row.name,
        "status": row.lasting_status,
        "progress": operation.progress if operation else 0,
        "step": step["name"] if step else "",
        "host": row.host,
        "deployment": row,
        "virtual_machine": row.virtual_machine,
        "error": operation.error if operation else None,
    }

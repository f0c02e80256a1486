"""Asking for an operation, asking it to stop, asking for it again."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from apps.accounts.models import Tenant, User
from apps.accounts.permissions import require, require_noun
from apps.audit import services as audit_log
from apps.common.errors import Conflict, Forbidden, OperationActive
from apps.operations import events, nudges, runners, selectors, sending
from apps.operations.choices import ACTIVE, EventKind, Status
from apps.operations.models import Operation
from apps.operations.steps import new_step


def request(
    *,
    actor: User | None,
    kind: str,
    target_kind: str,
    target_id: Any,
    target_name: str,
    title: str,
    parameters: Mapping[str, Any] | None = None,
    tenant: Tenant | None = None,
    retry_of: Operation | None = None,
    exclusive: bool = True,
    audit: bool = True,
    steps: Sequence[str] | None = None,
) -> Operation:
    """Queues work on a target. Call it inside the service's own transaction.

    `parameters` are kept as they are: no secrets. `steps` where they aren't those of
    the kind. Raises OperationActive while another exclusive operation works on the same target.
    """
    runner = runners.find(kind)
    operation = Operation(
        kind=kind,
        target_kind=target_kind,
        target_id=str(target_id),
        target_name=target_name[:255],
        actor=actor,
        actor_name=actor.get_username() if actor is not None else "system",
        tenant=tenant,
        title=title[:255],
        parameters=dict(parameters or {}),
        steps=[new_step(name) for name in _steps(runner, steps)],
        retry_of=retry_of,
        exclusive=exclusive,
        audited=audit,
    )
    _insert(operation)
    events.add(operation.pk, EventKind.STATUS, "Queued")
    tell(operation, "requested")
    transaction.on_commit(lambda: sending.send(operation.pk), robust=True)
    return operation


def _steps(runner: runners.Runner | None, told: Sequence[str] | None) -> Sequence[str]:
    if told is not None:
        return told
    return runner.steps if runner is not None else ()


def _insert(operation: Operation) -> None:
    """The database decides who is first; whoever is second hears of the first one's work."""
    require_none_active(operation.target_kind, operation.target_id, operation.exclusive)
    try:
        with transaction.atomic():
            operation.save(force_insert=True)
    except IntegrityError:
        require_none_active(operation.target_kind, operation.target_id)
        operation.save(force_insert=True)  # the other one ended in between


def let_go(kind: str, target_kind: str, target_id: Any) -> None:
    """Has work stop whose rest its target no longer needs, and doesn't wait for that."""
    Operation.objects.filter(
        kind=kind, target_kind=target_kind, target_id=str(target_id), status__in=ACTIVE
    ).update(cancel_requested=True, exclusive=False)


def require_none_active(target_kind: str, target_id: Any, exclusive: bool = True) -> None:
    """Raises OperationActive, naming it, while an exclusive operation works on the target."""
    active = exclusive and (
        Operation.objects.filter(
            target_kind=target_kind,
            target_id=str(target_id),
            status__in=ACTIVE,
            exclusive=True,
        ).first()
    )
    if active:
        raise OperationActive(
            f"“{active.title}” is {active.get_status_display().lower()} on {active.target_name}.",
            hint="Follow it, or cancel it, then try again.",
            operation={"id": str(active.pk), "url": address(active)},
        )


def address(operation: Operation) -> str:
    """Its address in the API."""
    try:
        return reverse("operation-detail", args=[operation.pk])
    except NoReverseMatch:
        return f"/api/v1/operations/{operation.pk}/"


def tell(operation: Operation, outcome: str, detail: dict[str, Any] | None = None) -> None:
    """Writes the audit entry and nudges open pages; both when the transaction is committed."""
    if operation.audited:
        audit_log.record(
            actor=operation.actor or operation.actor_name,
            action=operation.kind,
            target_kind=operation.target_kind,
            target_id=operation.target_id,
            target_name=operation.target_name,
            outcome=outcome,
            tenant_id=operation.tenant_id,
            detail={"operation": str(operation.pk), **(detail or {})},
        )
    nudges.about(operation)


@transaction.atomic
def cancel(*, actor: User, operation: Operation) -> Operation:
    """Asks an operation to stop. One that no worker has taken yet ends at once; one that runs stops
    at the next point where it can. Raises Conflict where it has ended."""
    require(actor, "cancel", operation)
    _require_own_side(actor, operation)
    if _cancel_queued(operation):
        operation.refresh_from_db()
        end_of_queued(operation)
    elif not Operation.objects.filter(pk=operation.pk, status__in=ACTIVE).update(
        cancel_requested=True
    ):
        operation.refresh_from_db()
        raise Conflict(f"“{operation.title}” has ended: {operation.get_status_display().lower()}.")
    events.add(operation.pk, EventKind.LOG, f"{actor.get_username()} asked to cancel it.")
    _audit_of(actor, operation, "operation.cancel")
    nudges.about(operation)
    operation.refresh_from_db()
    return operation


def stop_queued(operation: Operation) -> bool:
    """Ends an operation that no worker has had, as part of a larger one that somebody cancelled.
    False where it has begun or ended."""
    with transaction.atomic():
        if not _cancel_queued(operation):
            return False
        operation.refresh_from_db()
        end_of_queued(operation)
    return True


def _cancel_queued(operation: Operation) -> bool:
    """Ends it where no worker ever had it. One that waits to be resumed has to see for itself what
    its first attempt left, so it is only flagged."""
    rows = Operation.objects.filter(pk=operation.pk, status=Status.QUEUED)
    return bool(
        rows.filter(attempt=0).update(
            status=Status.CANCELLED,
            cancel_requested=True,
            ended_at=timezone.now(),
            error=cancelled_error("It was cancelled before it began."),
        )
    )


def cancelled_error(message: str) -> dict[str, str]:
    hint = "Retry it if it is wanted after all."
    return {"code": "cancelled", "message": message, "hint": hint, "host_message": ""}


def end_of_queued(operation: Operation) -> None:
    """What follows when an operation ends that no worker has: audit, and the domain's own part."""
    events.add(operation.pk, EventKind.STATUS, operation.get_status_display())
    tell(operation, operation.status)
    runner = runners.find(operation.kind)
    if runner is not None and runner.after is not None:
        runner.after(operation)


@transaction.atomic
def retry(*, actor: User, operation: Operation) -> Operation:
    """A new operation that does the same again and names the old one.

    Raises Conflict unless the old one failed, errored or was cancelled.
    """
    require(actor, "retry", operation)
    _require_own_side(actor, operation)
    if not operation.can_retry:
        raise Conflict(
            f"“{operation.title}” is {operation.get_status_display().lower()}; only what failed, "
            "errored or was cancelled can be retried."
        )
    runner = runners.find(operation.kind)
    if runner is not None and runner.again is not None:
        return runner.again(actor=actor, operation=operation)
    return request(
        actor=actor,
        kind=operation.kind,
        target_kind=operation.target_kind,
        target_id=operation.target_id,
        target_name=operation.target_name,
        title=operation.title,
        parameters=operation.parameters,
        tenant=operation.tenant,
        retry_of=operation,
        exclusive=operation.exclusive,
        audit=operation.audited,
    )


def _require_own_side(actor: User, operation: Operation) -> None:
    """A tenant sees what an admin does to its VMs, and may neither stop nor repeat it."""
    runner = runners.find(operation.kind)
    if runner is not None and runner.permission is not None:
        require_noun(actor, *runner.permission)
    if not selectors.asked_by_own_side(actor, operation):
        raise Forbidden(
            f"“{operation.title}” was asked for by somebody else.",
            hint="Ask who started it, or an HCI admin.",
        )


def _audit_of(actor: User, operation: Operation, action: str) -> None:
    audit_log.record(
        actor=actor,
        action=action,
        target_kind="operation",
        target_id=operation.pk,
        target_name=operation.title,
        outcome="done",
        tenant_id=operation.tenant_id,
        detail={"kind": operation.kind},
    )

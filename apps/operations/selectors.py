"""How operations are read for pages."""

from typing import Any

from django.db.models import Case, IntegerField, QuerySet, Value, When

from apps.accounts.models import User
from apps.accounts.permissions import grant_of, holds
from apps.operations import runners
from apps.operations.choices import ACTIVE, EventKind, Status
from apps.operations.models import Operation, OperationEvent

LINES = 500


def visible(user: User) -> QuerySet[Operation]:
    """Operations that a person may see."""
    return Operation.objects.restrict(user).select_related("actor", "tenant", "retry_of")


def active(user: User) -> QuerySet[Operation]:
    """Those of them that are queued or running."""
    return Operation.objects.restrict(user).filter(status__in=ACTIVE)


def running_first(operations: QuerySet[Operation]) -> QuerySet[Operation]:
    """What is under way before what has ended, each newest first."""
    order = Case(
        When(status=Status.RUNNING, then=Value(0)),
        When(status=Status.QUEUED, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return operations.order_by(order, "-created_at", "-id")


def transcript(operation: Operation) -> list[OperationEvent]:
    """What was said while it ran, in its order: the last LINES of it, without mere progress."""
    said = operation.events.exclude(kind=EventKind.PROGRESS).order_by("-seq")[:LINES]
    return list(reversed(said))


def may(user: User, operation: Operation) -> dict[str, bool]:
    """Which of cancel and retry the person is offered."""
    own = _own_side(user, operation)
    return {
        "cancel": own and operation.active and holds(user, "operation", "cancel"),
        "retry": own and operation.can_retry and holds(user, "operation", "retry"),
    }


def _own_side(user: User, operation: Operation) -> bool:
    """Whether it is theirs to stop and repeat: see services."""
    runner = runners.find(operation.kind)
    if runner is not None and runner.permission and not holds(user, *runner.permission):
        return False
    return asked_by_own_side(user, operation)


def asked_by_own_side(user: User, operation: Operation) -> bool:
    """A tenant sees what an admin does to its VMs, and may neither stop nor repeat it."""
    grant = grant_of(user, "operation")
    if grant is not None and grant.scope == "all":
        return True
    asked_by: Any = operation.actor
    if asked_by is None:
        return False
    same_tenant = asked_by.tenant_id is not None and asked_by.tenant_id == user.tenant_id
    return bool(asked_by.pk == user.pk or same_tenant)

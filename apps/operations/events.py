"""Event rows: numbered within their operation, so that a reader can ask for what came after."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.operations.choices import EventKind
from apps.operations.models import OperationEvent

# The worker and a person who cancels may write at the same moment; a third writer there is not.
TRIES = 8


def add(
    operation_id: UUID | str,
    kind: EventKind,
    message: str,
    *,
    step: str = "",
    progress: int | None = None,
) -> OperationEvent:
    """Adds the next event of an operation."""
    for left in reversed(range(TRIES)):
        rows = OperationEvent.objects.filter(operation_id=operation_id)
        number = (rows.aggregate(last=Max("seq"))["last"] or 0) + 1
        try:
            with transaction.atomic():
                return OperationEvent.objects.create(
                    operation_id=operation_id,
                    seq=number,
                    kind=kind,
                    message=message,
                    step=step,
                    progress=progress,
                )
        except IntegrityError:
            if not left:
                raise
    raise AssertionError("unreachable")

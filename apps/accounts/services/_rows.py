"""What every change here ends with: rows that are right, and a line in the log."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.audit import services as audit
from apps.common.api.exceptions import as_portal_error
from apps.common.errors import Conflict


def check(row: Any, **options: Any) -> None:
    """full_clean, with Django's messages as field errors."""
    try:
        row.full_clean(**options)
    except ValidationError as error:
        raise as_portal_error(error) from None  # type: ignore[misc]


def save(row: Any, **options: Any) -> None:
    """Raises Conflict where somebody took the name between the check and this."""
    try:
        with transaction.atomic():
            row.save(**options)
    except IntegrityError as error:
        raise Conflict(f"Somebody added {row} just now.") from error


def tell(
    actor: Any,
    action: str,
    row: Any,
    detail: dict[str, Any] | None = None,
) -> None:
    """A line in the log: something was done with the row."""
    audit.record(
        actor=actor,
        action=action,
        target_kind=row.noun,
        target_id=row.pk,
        target_name=getattr(row, "name", "") or str(row),
        outcome="done",
        detail=detail,
    )

"""What happened to an item of the library: how it came in, and the work that was done on it."""

from collections.abc import Sequence
from typing import Any

from apps.accounts.models import User
from apps.library.models import LibraryItem, Upload
from apps.operations.models import Operation

#: So many of the latest operations; all of them are on the page of operations.
MOST = 12


def operations_on(user: User, item: LibraryItem) -> Sequence[Operation]:
    """The latest work on the item that the person may see, the newest first."""
    found = Operation.objects.restrict(user).filter(
        target_kind=item.noun, target_id=str(item.pk)
    )  # fmt: skip
    return list(found.order_by("-created_at", "-id")[:MOST])


def arrival(item: Any) -> Upload | None:
    """The upload that the item was; None where its row was taken away."""
    return Upload.objects.filter(file=item.file_id).select_related("actor").first()

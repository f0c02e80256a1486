"""What still needs a file of the library. Rooms above register who they know of."""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from apps.common.errors import InUse

#: Of rows of a noun (template-disk, shielding-data, upload): id → [{"kind", "id", "name"}].
Uses = Mapping[UUID, list[dict[str, str]]]
Ask = Callable[[str, Collection[UUID]], Uses]

_asked: list[Ask] = []


def register(ask: Ask) -> None:
    """`ask(noun, ids)` tells which of the rows are needed, and by what."""
    if ask not in _asked:
        _asked.append(ask)


def unregister(ask: Ask) -> None:
    _asked.remove(ask)


def of(noun: str, ids: Collection[UUID]) -> dict[UUID, list[dict[str, str]]]:
    """Every row's uses; an empty list for one that nothing needs."""
    found: dict[UUID, list[dict[str, str]]] = {key: [] for key in ids}
    for ask in _asked if ids else ():
        for key, uses in ask(noun, ids).items():
            found.setdefault(key, []).extend(uses)
    return found


def require_unused(row: Any) -> None:
    """Raises InUse naming what needs the row."""
    uses = of(row.noun, [row.pk])[row.pk]
    if uses:
        names = ", ".join(sorted({use["name"] for use in uses}))
        raise InUse(
            f"{row.name} is still needed by {names}.",
            hint="Delete what was made from it first.",
            used_by=uses,
        )

"""What still needs a file of the library. Rooms above register who they know of."""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from apps.common.errors import Conflict, InUse

#: Of rows of a noun (template-disk, shielding-data, upload): id → [{"kind", "id", "name"}].
Uses = Mapping[UUID, list[dict[str, str]]]
Ask = Callable[[str, Collection[UUID]], Uses]

#: How many of those that need something a sentence names; `used_by` names all.
NAMED = 10
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


def of_pairs(pairs: Collection[Any]) -> dict[UUID, list[dict[str, str]]]:
    """By each pair's id what was made, or is being made, of both of its halves."""
    by_disk = of("template-disk", {pair.template_disk_id for pair in pairs})
    by_data = of("shielding-data", {pair.shielding_data_id for pair in pairs})
    found = {}
    for pair in pairs:
        both = {use["id"] for use in by_data[pair.shielding_data_id]}
        found[pair.pk] = [use for use in by_disk[pair.template_disk_id] if use["id"] in both]
    return found


def hold(*rows: Any) -> None:
    """Keeps rows of the library from being deleted until the transaction ends, by which somebody
    who begins to need them has said so. Raises Conflict where one is gone.
    """
    for row in rows:
        if not type(row).objects.select_for_update(no_key=True).filter(pk=row.pk).exists():
            raise Conflict(f"{row.name} was deleted just now.", hint="Choose another one.")


def require_unused(row: Any) -> None:
    """Raises InUse naming what needs the row."""
    uses = of(row.noun, [row.pk])[row.pk]
    if uses:
        names = sorted({use["name"] for use in uses})
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        raise InUse(
            f"{row.name} is still needed by {', '.join(names[:NAMED])}{more}.",
            hint="Delete what was made from it first.",
            used_by=uses,
        )

"""Cuts a window out of many ordered rows without walking all that come before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

#: How many runs a window is read from one by one; beyond that they are short, and read together.
APART = 2


def window(rows: "QuerySet[Any]", start: int, stop: int, total: int | None = None) -> list[Any]:
    """rows[start:stop] of ordered rows. Where their number is known, and the end is nearer than
    the beginning, they are read backwards from the end.
    """
    if total is None or start <= total - stop:
        return list(rows[start:stop])
    stop = min(stop, total)
    if start >= stop:
        return []
    return list(rows.reverse()[total - stop : total - start])[::-1]


@dataclass(frozen=True)
class Run:
    """Rows that follow each other in an order by a related row's name: those of the related rows
    of one name, or of none (None).
    """

    keys: Sequence[UUID | None]
    number: int

    def condition(self, column: str) -> Q:
        known = [key for key in self.keys if key is not None]
        found = Q(**{f"{column}__in": known}) if known else Q()
        return found if len(known) == len(self.keys) else found | Q(**{column: None})


def window_of_runs(
    rows: "QuerySet[Any]", column: str, runs: Sequence[Run], start: int, stop: int
) -> list[Any]:
    """rows[start:stop] of rows ordered by the name of what `column` leads to, then by their own.

    `runs` in the order of the rows. Each is read in the order of an index on the column and the
    name, where the database by itself would sort all rows for one page.
    """
    found, before = [], 0
    for run in runs:
        if before < stop and before + run.number > start:
            found.append((run, before))
        before += run.number
    if not found:
        return []
    if len(found) > APART:
        touched = Q()
        for run, _ in found:
            touched |= run.condition(column)
        begins = found[0][1]
        return list(rows.filter(touched)[start - begins : stop - begins])
    inner = rows.order_by(*rows.query.order_by[1:])
    return [
        row
        for run, begins in found
        for row in window(
            inner.filter(run.condition(column)),
            max(0, start - begins),
            min(run.number, stop - begins),
            run.number,
        )
    ]


def runs_of(
    numbers: dict[UUID | None, int],
    names: Sequence[tuple[UUID, str]],
    *,
    descending: bool,
    nulls_last: bool,
) -> list[Run] | None:
    """The runs for numbers by key and for keys in the order of their names; None if a key has no
    name, as of what was removed just now.
    """
    runs: list[Run] = []
    last = None
    for key, name in names:
        if key not in numbers:
            continue
        if runs and name == last:
            runs[-1] = Run([*runs[-1].keys, key], runs[-1].number + numbers[key])
        else:
            runs.append(Run([key], numbers[key]))
        last = name
    nobody = numbers.get(None, 0)
    if sum(run.number for run in runs) + nobody != sum(numbers.values()):
        return None
    if nobody:
        runs.insert(len(runs) if nulls_last else 0, Run([None], nobody))
    return runs[::-1] if descending else runs

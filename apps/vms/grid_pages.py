"""Pages of the grid: which rows they hold, and of how many, at a cost that rows don't add to."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db import connection
from django.db.models import Count, QuerySet

from apps.fabric.models import Host
from apps.vms.api.filters import VirtualMachineFilters
from apps.vms.census import Census
from apps.vms.windows import Run, runs_of, window, window_of_runs

ROWS = 50
#: A total that would have to be counted row by row is counted as far as this.
FAR = 10_000
#: Filters whose numbers the census has, and its field for each.
COUNTED = {
    "cluster": "cluster_id",
    "tenant": "tenant_id",
    "state": "state",
    "protection": "protection",
}
RELATED = {"host__name": "host", "cluster__name": "cluster", "tenant__name": "tenant"}


class GridPaginator(Paginator):
    """Has its total told. `more`: there are more than that, and nobody counted how many."""

    def __init__(self, count: int, *, more: bool = False) -> None:
        super().__init__((), ROWS)
        self.count = count
        self.more = more

    @property
    def num_pages(self) -> int:
        return max(1, -(-(self.count + self.more) // ROWS))

    @property
    def count_words(self) -> str:
        return f"{self.count:,}+" if self.more else f"{self.count:,}"


class Pages:
    """The pages of filtered and ordered ids."""

    def __init__(
        self, filters: VirtualMachineFilters, census: Census, tenants: Mapping[UUID, str]
    ) -> None:
        self.ids: QuerySet[Any] = filters.rows().values_list("pk", flat=True)
        self.census = census
        self.tenants = tenants
        self.seen = _seen(filters, census, tenants)

    def page(self, text: str | None) -> "Page[Any]":
        """A page by its number as somebody wrote it: the first if that is no number, the last if
        there is no such page. Holds ids.
        """
        number = _number(text)
        if number == 1:
            return self._first()
        total = GridPaginator(self.seen.total) if self.seen else self._counted(number)
        number = min(number, total.num_pages) if number > 0 else total.num_pages
        return Page(self._read(number, total), number, total)

    def _first(self) -> "Page[Any]":
        """What fits on one page needs no count, and a count that says otherwise isn't believed."""
        known = self.seen.total if self.seen else 0
        found = self._window(0, ROWS + 1, None) if known > ROWS else []
        if len(found) <= ROWS:
            known, found = 0, list(self.ids[: ROWS + 1])
        if len(found) <= ROWS:
            return Page(found, 1, GridPaginator(len(found)))
        return Page(found[:ROWS], 1, GridPaginator(known) if known else self._counted(1))

    def _read(self, number: int, total: GridPaginator) -> list[UUID]:
        start = (number - 1) * ROWS
        known = None if total.more else total.count
        return self._window(start, start + ROWS, known)

    def _counted(self, number: int) -> GridPaginator:
        """Counts to the end only for a page that lies beyond the bound."""
        ids = self.ids.order_by()
        if not 0 < number <= FAR // ROWS:
            return GridPaginator(ids.count())
        count = ids[: FAR + 1].count()
        return GridPaginator(min(count, FAR), more=count > FAR)

    def _window(self, start: int, stop: int, total: int | None) -> list[UUID]:
        first, *rest = map(str, self.ids.query.order_by or ("name",))
        column = RELATED.get(first.lstrip("-"))
        if column and self.seen is not None and len(rest) == 2:  # by that and the ties alone
            runs = self._runs(column, descending=first.startswith("-"))
            if runs is not None:
                return window_of_runs(self.ids, column, runs, start, stop)
        return window(self.ids, start, stop, total)

    def _runs(self, column: str, *, descending: bool) -> list[Run] | None:
        if self.seen is None:
            return None
        names: list[tuple[UUID, str]]
        if column == "host":
            names, numbers = self._by_host(self.seen)
        else:
            held = self.census.clusters if column == "cluster" else self.tenants
            names, numbers = list(held.items()), self.seen.by(f"{column}_id")
        return runs_of(
            numbers, names, descending=descending,
            nulls_last=connection.features.nulls_order_largest,
        )  # fmt: skip

    def _by_host(self, seen: Census) -> tuple[list[tuple[UUID, str]], dict[UUID | None, int]]:
        names = list(Host.objects.order_by("name", "pk").values_list("pk", "name"))
        if seen.hosts is not None:
            return names, seen.hosts
        rows = self.ids.order_by().values_list("host_id").annotate(number=Count("*"))
        return names, dict(rows)


def _seen(
    filters: VirtualMachineFilters, census: Census, tenants: Mapping[UUID, str]
) -> Census | None:
    """The census of what the filters leave; None where it doesn't know."""
    asked = {name: value for name, value in filters.form.cleaned_data.items() if _given(value)}
    if not asked.keys() <= COUNTED.keys():
        return None
    names = {"cluster": census.clusters, "tenant": tenants}
    values: dict[str, Any] = {}
    for name, value in asked.items():
        if name in names:
            value = _keys(value, names[name])
            if value is None:
                return None
        values[COUNTED[name]] = value
    return census.within(**values)


def _given(value: Any) -> bool:
    return value is not None and value != "" and value != []


def _keys(value: str, names: Mapping[UUID, str]) -> set[UUID] | None:
    """What a RowFilter takes this for: ids and names with commas between. None where databases
    may not agree on what is the same name.
    """
    if not value.isascii():
        return None
    found: set[UUID] = set()
    for one in value.split(","):
        word = one.strip()
        try:
            found.add(UUID(word))
        except ValueError:
            found |= {pk for pk, name in names.items() if name.upper() == word.upper()}
    return found


def _number(text: str | None) -> int:
    try:
        return int(text or "1")
    except ValueError:
        return 1


EMPTY: "Page[Any]" = Page((), 1, GridPaginator(0))

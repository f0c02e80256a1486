"""How many virtual machines a person may see, by cluster, tenant, state and protection.

Read from the counts that `apps.vms.counting` keeps, whatever the number of machines. A cluster
that wasn't counted yet is counted on the spot.
"""

import functools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count

from apps.accounts.models import User
from apps.accounts.permissions import grant_of
from apps.fabric.models import Cluster
from apps.vms.choices import Protection, VMState
from apps.vms.models import VirtualMachine


class Cell(NamedTuple):
    cluster_id: UUID
    tenant_id: UUID | None
    state: str
    protection: str
    number: int


@dataclass(frozen=True)
class Census:
    """`clusters` are names by id in the order of names. `cells` are of machines that the person
    may see, and of no others. `hosts` are numbers by host, for who sees them all.
    """

    clusters: dict[UUID, str]
    cells: list[Cell]
    hosts: dict[UUID | None, int] | None = None

    @property
    def total(self) -> int:
        return sum(cell.number for cell in self.cells)

    def within(self, **values: Collection[Any]) -> "Census":
        """The cells that have one of the values in each of these fields.

        Numbers by host are lost by this.
        """
        asked = [(Cell._fields.index(name), set(of)) for name, of in values.items()]
        if not asked:
            return self
        kept = [cell for cell in self.cells if all(cell[at] in of for at, of in asked)]
        return Census(self.clusters, kept)

    def by(self, name: str) -> dict[Any, int]:
        """Numbers by the values of one field."""
        at, numbers = Cell._fields.index(name), dict[Any, int]()
        for cell in self.cells:
            numbers[cell[at]] = numbers.get(cell[at], 0) + cell.number
        return numbers

    def facets(self, tenants: Iterable[tuple[UUID, str]]) -> dict[str, list[dict[str, Any]]]:
        """What the grid's menus offer, each value with its label and its number of machines."""
        return {
            "state": _labelled(self.by("state"), dict(VMState.choices)),
            "protection": _labelled(self.by("protection"), dict(Protection.choices)),
            "cluster": _named(self.by("cluster_id"), self.clusters.items()),
            "tenant": _named(self.by("tenant_id"), tenants),
        }


def census_of(user: User) -> Census:
    """One query, and one more while a cluster has no count."""
    rows = list(
        Cluster.objects.order_by("name", "pk").values_list(
            "pk", "name", "vm_count__cells", "vm_count__hosts", "vm_count__counted_at"
        )
    )
    clusters = {pk: name for pk, name, *_ in rows}
    uncounted = [pk for pk, *_, counted_at in rows if counted_at is None]
    cells = [
        Cell(pk, _id(tenant), state, protection, number)
        for pk, _, kept, _, counted_at in rows
        if counted_at is not None
        for tenant, state, protection, number in kept
    ]
    if uncounted:
        cells += _count(uncounted)
    scope = _scope(user)
    if scope != "all":
        return Census(clusters, list(_of_tenant(cells, user) if scope == "tenant" else ()))
    hosts: dict[UUID | None, int] = {}
    for _, _, _, kept, counted_at in rows:
        for host, number in kept if counted_at is not None else ():
            hosts[_id(host)] = hosts.get(_id(host), 0) + number
    return Census(clusters, cells, None if uncounted else hosts)


def _scope(user: User) -> str:
    """As restrict() decides; what isn't known here is nothing."""
    grant = grant_of(user, VirtualMachine.noun)
    return grant.scope if grant is not None and "view" in grant.actions else "none"


def _of_tenant(cells: Iterable[Cell], user: User) -> Iterator[Cell]:
    """A person without a tenant sees nothing, also not what no tenant has."""
    if user.tenant_id is None:
        return iter(())
    return (cell for cell in cells if cell.tenant_id == user.tenant_id)


def _count(cluster_ids: Collection[UUID]) -> list[Cell]:
    rows = (
        VirtualMachine.objects.filter(cluster_id__in=cluster_ids)
        .values_list("cluster_id", "tenant_id", "state", "protection")
        .annotate(number=Count("*"))
        .order_by()
    )
    return [Cell(*row) for row in rows]


@functools.lru_cache(maxsize=4096)
def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def _labelled(numbers: dict[str, int], labels: dict[Any, Any]) -> list[dict[str, Any]]:
    return [
        {"value": one, "label": labels.get(one, one), "number": number}
        for one, number in sorted(numbers.items())
    ]


def _named(
    numbers: dict[UUID | None, int], names: Iterable[tuple[UUID, str]]
) -> list[dict[str, Any]]:
    return [
        {"value": name, "label": name, "number": numbers[pk]} for pk, name in names if pk in numbers
    ]

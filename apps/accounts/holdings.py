"""What tenants have and what they use of their quotas. Rooms above register what they know of."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.urls import reverse

from apps.accounts.models import Tenant, User

#: Of each kind so many are named; the number counts all.
NAMED = 20


@dataclass(frozen=True)
class Holding:
    """Rows of one kind that a tenant owns: how many, and the first of them as (id, name).

    `label` and `labels` are what one and several are called. `page` is the address of one's page
    by its id, where it has one.
    """

    kind: str
    label: str
    labels: str
    number: int
    rows: tuple[tuple[UUID, str], ...]
    page: str = ""

    @property
    def words(self) -> str:
        return f"{self.number} {self.label if self.number == 1 else self.labels}"

    @property
    def more(self) -> int:
        """How many aren't named."""
        return self.number - len(self.rows)

    def as_dicts(self) -> list[dict[str, str]]:
        return [{"kind": self.kind, "id": str(pk), "name": name} for pk, name in self.rows]

    def named(self) -> list[dict[str, str]]:
        """For a page: each with its address, empty where it has none."""
        return [
            {"name": name, "href": reverse(self.page, args=[pk]) if self.page else ""}
            for pk, name in self.rows
        ]


#: By tenant what it uses; a tenant that isn't named uses nothing.
Used = Callable[[Collection[UUID]], Mapping[UUID, int]]
Held = Callable[[Tenant], Iterable[Holding]]

_used: dict[str, Used] = {}
_held: list[Held] = []


def register_used(name: str, used: Used) -> None:
    """`vms` and `bytes` are what a tenant's quotas limit."""
    _used[name] = used


def register_held(held: Held) -> None:
    """What `held` tells of keeps a tenant from being deleted."""
    if held not in _held:
        _held.append(held)


def holding(
    kind: str, label: str, labels: str, rows: QuerySet[Any], *, name: str = "name", page: str = ""
) -> Iterable[Holding]:
    """The holding that these rows are; none where there is no row."""
    number = rows.count()
    if number:
        named = tuple(rows.order_by(name).values_list("pk", name)[:NAMED])
        yield Holding(kind, label, labels, number, named, page)


def used(ids: Collection[UUID]) -> dict[str, Mapping[UUID, int]]:
    """What these tenants use, by what it is called; a query or two for all of them."""
    return {name: ask(ids) for name, ask in _used.items()}


def people(ids: Collection[UUID]) -> dict[UUID, int]:
    """How many people tenants have."""
    rows = User.objects.filter(tenant__in=ids).order_by().values_list("tenant")
    return dict(rows.annotate(number=Count("pk")))


def of(tenant: Tenant) -> list[Holding]:
    """All that the tenant owns, kind by kind; empty where it may be deleted."""
    own = holding(
        "user", "user", "users", tenant.users.all(), name="username", page="accounts:user"
    )
    return [*own, *(one for held in _held for one in held(tenant))]

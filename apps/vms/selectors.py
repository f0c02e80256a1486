"""How virtual machines are read."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery

from apps.accounts.models import User
from apps.operations.choices import ACTIVE
from apps.operations.models import Operation
from apps.vms.choices import Protection, VMState
from apps.vms.models import VirtualMachine


def listed(user: User) -> QuerySet[VirtualMachine]:
    """What the user may see, with what a row of the list shows: one query whatever the number."""
    return VirtualMachine.objects.restrict(user, "view").select_related("cluster", "host", "tenant")


def in_grid(user: User) -> QuerySet[VirtualMachine]:
    """The same for the grid, whose rows don't show their cluster."""
    return listed(user).select_related(None).select_related("host", "tenant")


def active_operations(vm_ids: Iterable[UUID]) -> dict[UUID, Operation]:
    """What is under way, by the VM's id."""
    found = Operation.objects.filter(
        target_kind="vm", target_id__in=[str(one) for one in vm_ids], status__in=ACTIVE,
        exclusive=True,
    )  # fmt: skip
    return {UUID(operation.target_id): operation for operation in found}


def counts_by_cluster(cluster_ids: Iterable[UUID]) -> dict[UUID, dict[str, dict[str, int]]]:
    """For each cluster how many VMs are in which state and of which protection."""
    counts: dict[UUID, dict[str, dict[str, int]]] = {}
    rows = (
        VirtualMachine.objects.filter(cluster_id__in=list(cluster_ids))
        .values_list("cluster_id", "state", "protection")
        .annotate(number=Count("id"))
        .order_by()
    )
    for cluster_id, state, protection, number in rows:
        of = counts.setdefault(cluster_id, {"state": {}, "protection": {}})
        of["state"][state] = of["state"].get(state, 0) + number
        of["protection"][protection] = of["protection"].get(protection, 0) + number
    return counts


def counts_by_host(host_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many VMs each host has."""
    rows: Any = (
        VirtualMachine.objects.filter(host_id__in=list(host_ids))
        .values_list("host_id")
        .annotate(number=Count("id"))
        .order_by()
    )
    return dict(rows)


def running_guarded(host_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many guarded VMs run on each host: what is at stake when its attestation fails."""
    rows: Any = (
        VirtualMachine.objects.filter(
            host_id__in=list(host_ids),
            protection__in=["shielded", "encryption-supported"],
            state=VMState.RUNNING,
        )
        .values_list("host_id")
        .annotate(number=Count("id"))
        .order_by()
    )
    return dict(rows)


def facets(user: User) -> dict[str, list[dict[str, Any]]]:
    """What the grid's menus offer, each value with its label and its number of rows."""
    rows = VirtualMachine.objects.restrict(user, "view").order_by()
    return {
        "state": _facet(rows, "state", dict(VMState.choices)),
        "protection": _facet(rows, "protection", dict(Protection.choices)),
        "cluster": _named(rows, "cluster"),
        "tenant": _named(rows, "tenant"),
    }


def _named(rows: "QuerySet[VirtualMachine]", related: str) -> list[dict[str, Any]]:
    """A facet of related rows. Each is counted by the index of its column alone, without a join
    for every virtual machine.
    """
    model: Any = VirtualMachine._meta.get_field(related).related_model
    counted = rows.filter(**{related: OuterRef("pk")}).values(related)
    number = Subquery(counted.annotate(number=Count("*")).values("number"))
    found = model.objects.annotate(number=number).filter(number__gt=0).order_by("name")
    return [
        {"value": name, "label": name, "number": number}
        for name, number in found.values_list("name", "number")
    ]


def _facet(
    rows: "QuerySet[VirtualMachine]", column: str, labels: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    found = rows.values_list(column).annotate(number=Count("*")).order_by(column)
    return [
        {"value": one, "label": (labels or {}).get(one, one), "number": number}
        for one, number in found
    ]

"""How virtual machines are read."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, F, QuerySet

from apps.accounts.models import Tenant, User
from apps.fabric.models import Host
from apps.operations.choices import ACTIVE
from apps.operations.models import Operation
from apps.vms.choices import VMState
from apps.vms.models import VirtualMachine


def listed(user: User) -> QuerySet[VirtualMachine]:
    """What the user may see, with what a row of the list shows: one query whatever the number."""
    return VirtualMachine.objects.restrict(user, "view").select_related("cluster", "host", "tenant")


#: What a row of the grid shows of a machine; other columns aren't read for it.
IN_GRID = (
    "name", "host_id", "tenant_id", "state", "last_known_state", "protection", "memory_bytes",
    "memory_assigned_bytes", "cpu_percent", "started_at", "observed_at", "failing_since", "problem",
)  # fmt: skip


def in_grid(user: User, ids: Sequence[UUID]) -> list[VirtualMachine]:
    """These of them, in this order, with what a row of the grid shows.

    Machines of one host share it, and those of one tenant, with its name and nothing else read.
    """
    rows = VirtualMachine.objects.restrict(user, "view").only(*IN_GRID).filter(pk__in=ids)
    named = rows.annotate(host_name=F("host__name"), tenant_name=F("tenant__name"))
    found: dict[UUID, Any] = {}
    hosts: dict[UUID | None, Host | None] = {None: None}
    tenants: dict[UUID | None, Tenant | None] = {None: None}
    for vm in named.order_by():
        if vm.host_id not in hosts:
            hosts[vm.host_id] = Host.from_db(rows.db, ("id", "name"), (vm.host_id, vm.host_name))
        if vm.tenant_id not in tenants:
            given = (vm.tenant_id, vm.tenant_name)
            tenants[vm.tenant_id] = Tenant.from_db(rows.db, ("id", "name"), given)
        vm.host, vm.tenant = hosts[vm.host_id], tenants[vm.tenant_id]
        found[vm.pk] = vm
    return [found[pk] for pk in ids if pk in found]


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


def tenant_names() -> dict[UUID, str]:
    """Of all tenants by id, in the order of names."""
    return dict(Tenant.objects.order_by("name").values_list("pk", "name"))

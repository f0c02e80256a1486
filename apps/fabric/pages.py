"""What the fabric's pages show beside the rows themselves: read for a whole page at once."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Sum

from apps.fabric import extensions, selectors
from apps.fabric.models import Cluster, Host, Volume
from apps.operations.choices import ACTIVE
from apps.operations.models import Operation


def clusters(user: Any) -> list[Cluster]:
    """Clusters with counts, memory, storage and what rooms above know of them."""
    rows = list(selectors.with_node_counts(Cluster.objects.restrict(user)).order_by("name"))
    ids = [row.pk for row in rows]
    extras = extensions.cluster_extras(ids)
    memory = _sums(Host.objects.filter(cluster__in=ids), "memory_bytes", "memory_available_bytes")
    storage = _sums(Volume.objects.filter(cluster__in=ids), "size_bytes", "free_bytes")
    for row in rows:
        row.extras = {name: values.get(row.pk) for name, values in extras.items()}
        row.memory = _usage(memory.get(row.pk))
        row.storage = _usage(storage.get(row.pk))
    with_active("cluster", rows)
    return rows


def hosts(rows: Iterable[Host]) -> list[Host]:
    """Hosts with what rooms above know of them and what is under way on them."""
    found = list(rows)
    extras = extensions.host_extras(
        [row.pk for row in found], "attestation", "virtual_machines", "running_guarded"
    )
    for row in found:
        row.extras = {name: values.get(row.pk) for name, values in extras.items()}
        total, free = row.memory_bytes, row.memory_available_bytes
        row.memory = _usage((total, free)) if total and free is not None else None
    with_active("host", found)
    return found


def with_active(kind: str, rows: Sequence[Any]) -> None:
    """Gives every row `active_operation`: what is queued or running on it."""
    active = {
        operation.target_id: operation
        for operation in Operation.objects.filter(
            target_kind=kind, target_id__in=[str(row.pk) for row in rows], status__in=ACTIVE
        )
    }
    for row in rows:
        row.active_operation = active.get(str(row.pk))


def _sums(rows: Any, total: str, free: str) -> dict[UUID, tuple[int | None, int | None]]:
    found = rows.order_by().values_list("cluster_id").annotate(a=Sum(total), b=Sum(free))
    return {cluster_id: (whole, left) for cluster_id, whole, left in found}


def _usage(sums: tuple[int | None, int | None] | None) -> dict[str, int] | None:
    """Total, free and used in bytes, and the share used; None where it isn't known."""
    if sums is None or not sums[0] or sums[1] is None:
        return None
    total, free = sums[0], sums[1]
    used = max(0, total - free)
    return {"total": total, "free": free, "used": used, "percent": round(100 * used / total)}

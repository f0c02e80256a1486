"""Keeps the numbers that the grid's menus and its total show, one row for each cluster.

Who changes a machine says so by `changed`. The cluster is then counted anew, in one statement,
once the change is committed. A reading of a cluster ends with a count, so that nothing stays
wrong for longer than from one reading to the next.
"""

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from apps.fabric.models import Cluster
from apps.vms.models import ClusterCount, VirtualMachine


def changed(cluster_ids: Iterable[UUID]) -> None:
    """Counts these clusters once the transaction is committed.

    What was changed is done by then, so a count that fails is told to the log, not to the caller.
    """
    for cluster_id in set(cluster_ids):
        transaction.on_commit(partial(recount, cluster_id), robust=True)


@transaction.atomic
def recount(cluster_id: UUID) -> None:
    """Counts one cluster. Of two that count at once the second begins after the first is done, and
    so sees all that the first one saw.
    """
    kept = _locked(cluster_id)
    if kept is None:
        return  # the cluster was removed
    numbers: dict[tuple[str | None, str, str], int] = {}
    hosts: dict[str | None, int] = {}
    rows = (
        VirtualMachine.objects.filter(cluster_id=cluster_id)
        .values_list("tenant_id", "host_id", "state", "protection")
        .annotate(number=Count("*"))
        .order_by()
    )
    for tenant_id, host_id, state, protection, number in rows:
        cell = (_text(tenant_id), state, protection)
        numbers[cell] = numbers.get(cell, 0) + number
        hosts[_text(host_id)] = hosts.get(_text(host_id), 0) + number
    kept.cells = [[*cell, number] for cell, number in numbers.items()]
    kept.hosts = [[host, number] for host, number in hosts.items()]
    kept.counted_at = timezone.now()
    kept.save()


def _locked(cluster_id: UUID) -> ClusterCount | None:
    counts = ClusterCount.objects.select_for_update(no_key=True).filter(pk=cluster_id)
    kept = counts.first()
    if kept is not None:
        return kept
    # The first one: the cluster's row is held, so that it can't be removed meanwhile.
    if not Cluster.objects.select_for_update(no_key=True).filter(pk=cluster_id).first():
        return None
    ClusterCount.objects.bulk_create([ClusterCount(cluster_id=cluster_id)], ignore_conflicts=True)
    return counts.get()


def _text(id: UUID | None) -> str | None:
    return str(id) if id else None

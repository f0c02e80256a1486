"""Rows of virtual machines from what hosts told, and from what they failed to tell."""

import datetime
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.fabric.models import Cluster, Host
from apps.operations import nudges
from apps.vms import counting
from apps.vms.choices import VMState, protection_from_windows, state_from_windows
from apps.vms.models import VirtualMachine

#: Fields that a reading may change; a nudge is sent only where one of SEEN changed.
SEEN = (
    "name",
    "host_id",
    "state",
    "protection",
    "generation",
    "processors",
    "memory_bytes",
    "clustered",
    "switches",
    "path",
    "problem",
)
_COLUMNS = (
    *SEEN,
    "last_known_state",
    "memory_assigned_bytes",
    "cpu_percent",
    "started_at",
    "failing_since",
)
READ = (*(field.removesuffix("_id") for field in _COLUMNS), "observed_at")
#: How far two computations of the same start may lie apart without being another start.
START_TOLERANCE = datetime.timedelta(seconds=5)


class VMObserver:
    """Takes part in every inventory; `apps.fabric.observers` calls it."""

    @transaction.atomic
    def host_read(
        self, host: Host, reading: Mapping[str, Any], observed_at: datetime.datetime
    ) -> None:
        rows = VirtualMachine.objects.filter(cluster_id=host.cluster_id)
        # locked: an operation that ends meanwhile writes after this, not under it
        known = {
            vm.vm_id: vm
            for vm in rows.select_for_update(of=("self",), no_key=True).filter(
                vm_id__in=[uuid.UUID(told["vm_id"]) for told in reading["vms"]]
            )
        }
        new: list[VirtualMachine] = []
        same: list[VirtualMachine] = []
        differing: list[VirtualMachine] = []
        seen: list[VirtualMachine] = []
        for told in reading["vms"]:
            vm = known.get(uuid.UUID(told["vm_id"]))
            if vm is None:
                vm = VirtualMachine(cluster_id=host.cluster_id, vm_id=uuid.UUID(told["vm_id"]))
                new.append(vm)
            elif vm.observed_at is not None and vm.observed_at > observed_at:
                continue  # an operation wrote what it saw after this reading had begun
            change = apply(vm, host, told, observed_at)
            if change.is_seen:
                seen.append(vm)
            if vm.vm_id in known:
                (differing if change.is_any else same).append(vm)
        # a deployment may have written the row of its new machine just now
        VirtualMachine.objects.bulk_create(new, ignore_conflicts=True)
        rows.filter(pk__in=[vm.pk for vm in same]).update(observed_at=observed_at)
        _write(differing)
        nudge(seen)

    @transaction.atomic
    def host_missed(self, host: Host, reason: str, at: datetime.datetime) -> None:
        """Its rows stay as last seen, with since when and why; long unseen ones become unknown."""
        changed = []
        for vm in VirtualMachine.objects.select_for_update(of=("self",), no_key=True).filter(
            host=host
        ):
            before = (vm.problem, vm.failing_since, vm.state)
            vm.problem, vm.failing_since = reason, vm.failing_since or at
            if vm.freshness == "unknown" and vm.state != VMState.UNKNOWN:
                vm.state = VMState.UNKNOWN
            if before != (vm.problem, vm.failing_since, vm.state):
                changed.append(vm)
        _write(changed)
        nudge(changed)

    def cluster_read(
        self,
        cluster: Cluster,
        reading: Mapping[str, Any],
        observed_at: datetime.datetime,
        hosts_read: Collection[uuid.UUID],
    ) -> None:
        """Drops rows that the hosts which should have told of them no longer tell of.

        A machine in live migration can be missed by both its hosts; while the cluster still names
        its role, its row and its tenant stay.
        """
        roles = {uuid.UUID(group["vm_id"]) for group in reading["groups"] if group["vm_id"]}
        gone = [
            vm
            for vm in VirtualMachine.objects.filter(cluster=cluster).exclude(vm_id__in=roles)
            if (vm.observed_at is None or vm.observed_at < observed_at)
            and (vm.host_id is None or vm.host_id in hosts_read)
        ]
        with transaction.atomic():
            VirtualMachine.objects.filter(pk__in=[vm.pk for vm in gone]).delete()
            nudge(gone)
            counting.changed([cluster.pk])  # in any case: whatever was missed is right from here


@dataclass(frozen=True)
class Change:
    """Whether a reading said something new, and whether a page would show it."""

    is_any: bool
    is_seen: bool


def apply(
    vm: VirtualMachine, host: Host, told: Mapping[str, Any], observed_at: datetime.datetime
) -> Change:
    """Writes one host's words into a row (unsaved)."""
    before = {field: getattr(vm, field) for field in _COLUMNS}
    vm.host_id = host.pk
    vm.name, vm.generation, vm.processors = told["name"], told["generation"], told["processors"]
    vm.state = vm.last_known_state = state_from_windows(told["state"])
    vm.protection = protection_from_windows(told["protection"])
    vm.memory_bytes = told["memory_startup_bytes"]
    vm.memory_assigned_bytes = told["memory_assigned_bytes"] or 0
    vm.cpu_percent = told["cpu_percent"]
    vm.clustered, vm.path = told["clustered"], told["path"] or ""
    vm.switches = list(told["switches"])
    vm.started_at = start_of(vm.started_at, told["uptime_seconds"], observed_at)
    vm.failing_since, vm.problem = None, ""
    changed = {field for field in _COLUMNS if before[field] != getattr(vm, field)}
    vm.observed_at = observed_at
    return Change(bool(changed), not changed.isdisjoint(SEEN))


def _write(rows: Sequence[VirtualMachine]) -> None:
    """Writes what readings may change of rows that are there and locked.

    As an upsert: bulk_update would write a CASE for each field of each row, which takes the
    database and Django twenty times as long.
    """
    VirtualMachine.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["id"], update_fields=READ, batch_size=500
    )


def start_of(
    known: datetime.datetime | None, uptime_seconds: int | None, observed_at: datetime.datetime
) -> datetime.datetime | None:
    """When it was started; the known time where the new computation differs by a hair only."""
    if not uptime_seconds:
        return None
    computed = observed_at - datetime.timedelta(seconds=uptime_seconds)
    if known is not None and abs(known - computed) < START_TOLERANCE:
        return known
    return computed


def nudge(changed: Collection[VirtualMachine]) -> None:
    """Has the clusters of rows counted that were changed, made or deleted; then tells pages."""
    counting.changed(vm.cluster_id for vm in changed)
    for vm in changed:
        nudges.publish("vm", vm.pk, vm.tenant_id)

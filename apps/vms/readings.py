"""Rows of virtual machines from what hosts told, and from what they failed to tell."""

import datetime
import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import transaction

from apps.fabric.models import Cluster, Host
from apps.operations import nudges
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
READ = (
    *(field.removesuffix("_id") for field in SEEN),
    "last_known_state",
    "memory_assigned_bytes",
    "cpu_percent",
    "started_at",
    "observed_at",
    "failing_since",
)
#: How far two computations of the same start may lie apart without being another start.
START_TOLERANCE = datetime.timedelta(seconds=5)


class VMObserver:
    """Takes part in every inventory; `apps.fabric.observers` calls it."""

    def host_read(
        self, host: Host, reading: Mapping[str, Any], observed_at: datetime.datetime
    ) -> None:
        known = {
            vm.vm_id: vm
            for vm in VirtualMachine.objects.filter(
                cluster_id=host.cluster_id,
                vm_id__in=[uuid.UUID(told["vm_id"]) for told in reading["vms"]],
            )
        }
        new, read, changed = [], [], []
        for told in reading["vms"]:
            vm = known.get(uuid.UUID(told["vm_id"]))
            if vm is None:
                vm = VirtualMachine(cluster_id=host.cluster_id, vm_id=uuid.UUID(told["vm_id"]))
                new.append(vm)
            elif vm.observed_at is not None and vm.observed_at > observed_at:
                continue  # an operation wrote what it saw after this reading had begun
            else:
                read.append(vm)
            if apply(vm, host, told, observed_at):
                changed.append(vm)
        with transaction.atomic():
            # a deployment may have written the row of its new machine just now
            VirtualMachine.objects.bulk_create(new, ignore_conflicts=True)
            VirtualMachine.objects.bulk_update(read, READ, batch_size=200)
            nudge(changed)

    def host_missed(self, host: Host, reason: str, at: datetime.datetime) -> None:
        """Its rows stay as last seen, with since when and why; long unseen ones become unknown."""
        changed = []
        for vm in VirtualMachine.objects.filter(host=host):
            vm.problem, vm.failing_since = reason, vm.failing_since or at
            if vm.freshness == "unknown" and vm.state != VMState.UNKNOWN:
                vm.state = VMState.UNKNOWN
            changed.append(vm)
        with transaction.atomic():
            VirtualMachine.objects.bulk_update(
                changed, ["problem", "failing_since", "state"], batch_size=200
            )
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


def apply(
    vm: VirtualMachine, host: Host, told: Mapping[str, Any], observed_at: datetime.datetime
) -> bool:
    """Writes one host's words into a row (unsaved); whether somebody would see a difference."""
    before = tuple(getattr(vm, field) for field in SEEN)
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
    vm.observed_at, vm.failing_since, vm.problem = observed_at, None, ""
    return before != tuple(getattr(vm, field) for field in SEEN)


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


def nudge(changed: Iterable[VirtualMachine]) -> None:
    for vm in changed:
        nudges.publish("vm", vm.pk, vm.tenant_id)

"""Which virtual machines and deployments need a file of the library."""

import uuid
from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q

from apps.operations.choices import ACTIVE
from apps.vms.deployments.models import Deployment
from apps.vms.models import VirtualMachine

COLUMNS = {
    "template-disk": "template_disk_id",
    "shielding-data": "shielding_data_id",
    "upload": "iso_id",
}


def of(noun: str, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, str]]]:
    """For each id of a row of the library what is made of it, or being made.

    An ISO image counts as long as its VM is there: that doesn't start without what is in its drive.
    A VM is known by Hyper-V's id, too: one that moved to another cluster has another row there.
    """
    column = COLUMNS.get(noun)
    if column is None:
        return {}
    elsewhere = VirtualMachine.objects.filter(vm_id=OuterRef("vm_id"))
    rows = Deployment.objects.select_related("virtual_machine").filter(
        Q(virtual_machine__isnull=False) | Q(status__in=ACTIVE) | Exists(elsewhere),
        **{f"{column}__in": ids},
    )
    lost = [row.vm_id for row in rows if row.virtual_machine is None and row.vm_id]
    moved = {vm.vm_id: vm for vm in VirtualMachine.objects.filter(vm_id__in=lost)}
    found: dict[uuid.UUID, list[dict[str, str]]] = {}
    for row in rows:
        vm = row.virtual_machine or (moved.get(row.vm_id) if row.vm_id else None)
        found.setdefault(getattr(row, column), []).append(_user(row, vm))
    return found


def _user(row: Deployment, vm: VirtualMachine | None) -> dict[str, str]:
    if vm is not None:
        return {"kind": "vm", "id": str(vm.pk), "name": vm.name}
    return {"kind": "deployment", "id": str(row.pk), "name": row.name}

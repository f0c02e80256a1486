"""Which virtual machines and deployments need a file of the library."""

import uuid
from collections.abc import Collection

from django.db.models import Q

from apps.operations.choices import ACTIVE
from apps.vms.deployments.models import Deployment

COLUMNS = {
    "template-disk": "template_disk_id",
    "shielding-data": "shielding_data_id",
    "upload": "iso_id",
}


def of(noun: str, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, str]]]:
    """For each id of a row of the library what is made of it, or being made.

    An ISO image counts as long as its VM is there: that doesn't start without what is in its drive.
    """
    column = COLUMNS.get(noun)
    if column is None:
        return {}
    rows = Deployment.objects.select_related("virtual_machine").filter(
        Q(virtual_machine__isnull=False) | Q(status__in=ACTIVE), **{f"{column}__in": ids}
    )
    found: dict[uuid.UUID, list[dict[str, str]]] = {}
    for row in rows:
        found.setdefault(getattr(row, column), []).append(_user(row))
    return found


def _user(row: Deployment) -> dict[str, str]:
    vm = row.virtual_machine
    if vm is not None:
        return {"kind": "vm", "id": str(vm.pk), "name": vm.name}
    return {"kind": "deployment", "id": str(row.pk), "name": row.name}

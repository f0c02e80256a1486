"""Which template, and which version of it, a virtual machine was made from."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from apps.accounts.models import User
from apps.library import versions
from apps.library.models import TemplateDisk
from apps.vms.deployments.models import Deployment


@dataclass(frozen=True)
class Origin:
    """`newer` is the newest usable version of the template, where that isn't this one."""

    deployment: Deployment
    template_disk: TemplateDisk
    newer: TemplateDisk | None

    @property
    def version(self) -> str:
        return versions.version_of(self.template_disk)


def of(user: User, vm_ids: Collection[UUID]) -> dict[UUID, Origin]:
    """By the VM's id, for those that the portal made of a template that the user may see; the same
    few queries for any number.
    """
    visible = TemplateDisk.objects.restrict(user)
    rows = list(
        Deployment.objects.filter(virtual_machine__in=vm_ids, template_disk__in=visible)
        .select_related("template_disk__tenant")
        .order_by("created_at")
    )
    disks = {row.template_disk_id: row.template_disk for row in rows if row.template_disk}
    newer = versions.newer(disks.values())
    return {
        row.virtual_machine_id: Origin(row, row.template_disk, newer.get(row.template_disk_id))
        for row in rows
        if row.virtual_machine_id is not None and row.template_disk is not None
        and row.template_disk_id is not None
    }  # fmt: skip

"""What tenants have and use, as the rooms from here down know it: machines, their deployments, and
files of the library.
"""

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from django.db.models import Count, QuerySet, Sum

from apps.accounts import holdings
from apps.accounts.models import Tenant
from apps.library.models import ShieldingData, StoredFile, TemplateDisk, Upload
from apps.operations.choices import ACTIVE
from apps.vms.deployments.models import Deployment
from apps.vms.models import VirtualMachine


def register() -> None:
    holdings.register_used("vms", machines)
    holdings.register_used("bytes", library_bytes)
    holdings.register_held(held)


def coming(tenants: Collection[UUID]) -> QuerySet[Deployment]:
    """Machines that are being made and aren't listed yet."""
    return Deployment.objects.filter(
        tenant__in=tenants, status__in=ACTIVE, virtual_machine=None
    ).order_by()


def machines(tenants: Collection[UUID]) -> Mapping[UUID, int]:
    """As quotas count them: those that are being made, too."""
    listed = VirtualMachine.objects.filter(tenant__in=tenants).order_by()
    found: dict[UUID, int] = {}
    for rows in (listed, coming(tenants)):
        for tenant, number in rows.values_list("tenant").annotate(number=Count("pk")):
            found[tenant] = found.get(tenant, 0) + number
    return found


def library_bytes(tenants: Collection[UUID]) -> Mapping[UUID, int]:
    """What their files take or will take."""
    rows = StoredFile.objects.filter(tenant__in=tenants).order_by()
    return dict(rows.values_list("tenant").annotate(taken=Sum("size_bytes")))


def held(tenant: Tenant) -> Iterator[holdings.Holding]:
    mine = {"tenant": tenant}
    yield from holdings.holding(
        "vm", "virtual machine", "virtual machines",
        VirtualMachine.objects.filter(**mine), page="vms:detail",
    )  # fmt: skip
    yield from holdings.holding(
        "deployment", "deployment under way", "deployments under way",
        coming([tenant.pk]), page="deployments:detail",
    )  # fmt: skip
    yield from holdings.holding(
        "template-disk", "template disk", "template disks",
        TemplateDisk.objects.filter(**mine), name="filename", page="library:disk",
    )  # fmt: skip
    yield from holdings.holding(
        "shielding-data", "shielding data file", "shielding data files",
        ShieldingData.objects.filter(**mine), name="filename", page="library:shielding_data",
    )  # fmt: skip
    others = Upload.objects.filter(
        **mine, file__template_disk=None, file__shielding_data=None
    )  # those that became an item are told of as that
    yield from holdings.holding("upload", "upload", "uploads", others, name="filename")

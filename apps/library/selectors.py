"""How the library is read: by the API, by pages, by whoever deploys from it."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.attestation.selectors import guardian_by_thumbprint
from apps.library import hosts
from apps.library.choices import ItemStatus, Kind, UploadStatus
from apps.library.models import Pair, ShieldingData, StagedFile, TemplateDisk, Upload


def uploads() -> QuerySet[Upload]:
    return Upload.objects.select_related(
        "tenant", "actor", "file__template_disk", "file__shielding_data"
    )


def isos(user: User, also: UUID | None = None) -> QuerySet[Upload]:
    """ISO images that can be used, of those that the user sees; `also` one that was named, whose
    state then has to be told.
    """
    rows: QuerySet[Upload] = Upload.objects.restrict(user)
    usable = Q(status=UploadStatus.COMPLETE, file__isnull=False)
    return rows.select_related("tenant", "file").filter(usable | Q(pk=also), kind=Kind.ISO)


def template_disks() -> QuerySet[TemplateDisk]:
    return TemplateDisk.objects.select_related("tenant", "inspected_by", "file__upload")


def shielding_data() -> QuerySet[ShieldingData]:
    return ShieldingData.objects.select_related("tenant", "inspected_by", "file__upload")


def pairs() -> QuerySet[Pair]:
    return Pair.objects.select_related("tenant", "template_disk", "shielding_data")


def pair_of(template: TemplateDisk, data: ShieldingData) -> Pair | None:
    """What is known of whether two files fit."""
    return Pair.objects.filter(template_disk=template, shielding_data=data).first()


def is_usable(item: TemplateDisk | ShieldingData) -> bool:
    return item.status == ItemStatus.USABLE


Known = dict[str, dict[str, str] | None]


def with_services(
    guardians: list[dict[str, Any]], known: Known | None = None
) -> list[dict[str, Any]]:
    """Guardians as a file names them, each with the service of this fabric that it is, or None.

    `known` remembers, over the rows of a page, which thumbprint is whose.
    """
    seen: Known = {} if known is None else known
    return [{**one, "guardian_service": _service(one["thumbprints"], seen)} for one in guardians]


def _service(thumbprints: Iterable[str], known: Known) -> dict[str, str] | None:
    for thumbprint in thumbprints:
        if thumbprint not in known:
            service = guardian_by_thumbprint(thumbprint)
            known[thumbprint] = {"id": str(service.pk), "name": service.name} if service else None
        if known[thumbprint] is not None:
            return known[thumbprint]
    return None


def staged_path(volume: Any, item: TemplateDisk | ShieldingData) -> str:
    """Where a volume has a file of the library, or where it belongs (the host's path)."""
    return hosts.path_on(volume, item.file.staged_name)


def is_staged(volume: Any, item: TemplateDisk | ShieldingData) -> bool:
    """Whether a copy is known to lie on the volume."""
    return StagedFile.objects.filter(volume=volume, path=staged_path(volume, item)).exists()

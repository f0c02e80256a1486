"""How the library is read: by the API, by pages, by whoever deploys from it."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from apps.attestation.selectors import guardian_by_thumbprint
from apps.library import hosts
from apps.library.choices import ItemStatus
from apps.library.models import Pair, ShieldingData, StagedFile, TemplateDisk, Upload


def uploads() -> QuerySet[Upload]:
    return Upload.objects.select_related(
        "tenant", "actor", "file__template_disk", "file__shielding_data"
    )


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


def guardian_services(thumbprints: Iterable[str]) -> dict[str, dict[str, str]]:
    """Of these thumbprints those of guardian services that the portal knows: {"id", "name"}."""
    found = {}
    for thumbprint in set(thumbprints):
        service = guardian_by_thumbprint(thumbprint)
        if service is not None:
            found[thumbprint] = {"id": str(service.pk), "name": service.name}
    return found


def with_services(guardians: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Guardians as a file names them, each with the service of this fabric that it is, or None."""
    known = guardian_services(one for guardian in guardians for one in guardian["thumbprints"])
    return [
        {
            **guardian,
            "guardian_service": next(
                (known[one] for one in guardian["thumbprints"] if one in known), None
            ),
        }
        for guardian in guardians
    ]


def staged_path(volume: Any, item: TemplateDisk | ShieldingData) -> str:
    """Where a volume has a file of the library, or where it belongs (the host's path)."""
    return hosts.path_on(volume, item.file.staged_name)


def is_staged(volume: Any, item: TemplateDisk | ShieldingData) -> bool:
    """Whether a copy is known to lie on the volume."""
    return StagedFile.objects.filter(volume=volume, path=staged_path(volume, item)).exists()

"""Versions of a template: disks of one tenant whose catalogs have the same name and signer.

Name, version and signer are what a host read in the signed catalog, never what a file is called.
Windows compares versions by their numbers, as `New-VolumeIDQualifier -VersionRule` does.
"""

import re
from collections.abc import Iterable
from uuid import UUID

from apps.library.choices import ItemStatus
from apps.library.models import TemplateDisk

_VERSION = re.compile(r"\d{1,10}(\.\d{1,10}){0,3}")
Key = tuple[UUID, str, str]


def number(version: str) -> tuple[int, ...] | None:
    """What a version is compared by: its four numbers; None where it is none."""
    if not _VERSION.fullmatch(version):
        return None
    parts = [int(part) for part in version.split(".")]
    return tuple(parts + [0] * (4 - len(parts)))


def version_of(disk: TemplateDisk) -> str:
    return str((disk.catalog or {}).get("version") or "")


def _key(disk: TemplateDisk) -> Key | None:
    catalog = disk.catalog or {}
    if not catalog.get("name") or number(version_of(disk)) is None:
        return None
    return disk.tenant_id, str(catalog["name"]), str(catalog.get("signer_thumbprint")).lower()


def chains(disks: Iterable[TemplateDisk]) -> dict[UUID, list[TemplateDisk]]:
    """For each disk every usable one of its chain and itself, the newest first; by one query."""
    asked = {disk.pk: disk for disk in disks if _key(disk) is not None}
    if not asked:
        return {}
    found = TemplateDisk.objects.filter(
        status=ItemStatus.USABLE,
        tenant__in={disk.tenant_id for disk in asked.values()},
        catalog__name__in={str((disk.catalog or {})["name"]) for disk in asked.values()},
    )
    by_key: dict[Key | None, dict[UUID, TemplateDisk]] = {}
    for disk in [*found, *asked.values()]:
        by_key.setdefault(_key(disk), {})[disk.pk] = disk
    return {
        pk: sorted(by_key[_key(disk)].values(), key=_order, reverse=True)
        for pk, disk in asked.items()
    }


def _order(disk: TemplateDisk) -> tuple[tuple[int, ...], float]:
    return number(version_of(disk)) or (), disk.created_at.timestamp()


def newer(disks: Iterable[TemplateDisk]) -> dict[UUID, TemplateDisk]:
    """For each disk of which a newer usable version is there, the newest one."""
    asked = {disk.pk: disk for disk in disks}
    return {
        pk: chain[0]
        for pk, chain in chains(asked.values()).items()
        if _order(chain[0])[0] > _order(asked[pk])[0]
    }

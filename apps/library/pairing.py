"""Which shielding data applies to which template disk. A host's verdict decides."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.library import hosts, inspection, staging
from apps.library.choices import ItemStatus, Purpose
from apps.library.hosts import Place
from apps.library.models import Pair, ShieldingData, StagedFile, TemplateDisk
from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.remoting import scripts

#: Words for what a host names by code alone.
WORDS = {
    "applies": "The shielding data was made for this template disk.",
    "signer-differs": "The shielding data doesn’t trust whoever signed the template disk.",
    "name-differs": "The shielding data was made for a template disk of another name.",
    "version-differs": "The shielding data was made for another version of the template disk.",
    "no-qualifiers": "The shielding data is for virtual machines that exist already.",
}


def make(item: TemplateDisk | ShieldingData) -> list[Pair]:
    """The item's pairs with everything usable of its tenant that no host has judged yet."""
    if isinstance(item, TemplateDisk):
        halves = [
            (item, one)
            for one in ShieldingData.objects.filter(tenant=item.tenant, status=ItemStatus.USABLE)
        ]
    else:
        halves = [
            (one, item)
            for one in TemplateDisk.objects.filter(tenant=item.tenant, status=ItemStatus.USABLE)
        ]
    for template, data in halves:
        _make(template, data)
    return list(
        item.pairs.filter(applicable=None).select_related(
            "template_disk__file", "shielding_data__file"
        )
    )


@transaction.atomic
def _make(template: TemplateDisk, data: ShieldingData) -> None:
    """One pair, unless either half is being deleted just now."""
    halves = [
        model.objects.select_for_update(no_key=True).filter(pk=half.pk).exists()
        for model, half in ((TemplateDisk, template), (ShieldingData, data))
    ]
    if all(halves):
        Pair.objects.get_or_create(
            template_disk=template, shielding_data=data, defaults={"tenant": template.tenant}
        )


def other(pair: Pair, item: TemplateDisk | ShieldingData) -> TemplateDisk | ShieldingData:
    """The half of a pair that isn't the item."""
    return pair.shielding_data if isinstance(item, TemplateDisk) else pair.template_disk


def check(ctx: Context, pair: Pair) -> bool:
    """Asks a host, and keeps what it says. Raises RemotingError, OperationFailed."""
    template, data = pair.template_disk, pair.shielding_data
    if data.purpose == Purpose.EXISTING_VM:
        return _keep(pair, False, "no-qualifiers", WORDS["no-qualifiers"], "")
    place = _place(template, pair.failures)
    catalog = _catalog(ctx, template, place)
    path = staging.bring(ctx, data.file, place)
    script = scripts.load("library", "Test-PairApplicability")
    told = ctx.call(
        staging.endpoint(place.host), script, {"CatalogPath": catalog, "ShieldingDataPath": path}
    )
    code = str(told.get("code") or ("applies" if told["applicable"] else "does-not-apply"))
    message = str(told.get("message") or WORDS.get(code, ""))
    return _keep(pair, bool(told["applicable"]), code, message, place.host.name)


def _place(template: TemplateDisk, attempt: int) -> Place:
    """Where the template lies already, so that it isn't copied once more for a question."""
    place = hosts.choose(size_bytes=template.size_bytes, sha256=template.sha256, attempt=attempt)
    if place is None:
        raise OperationFailed("no-host", inspection.NOBODY)
    return place


def _catalog(ctx: Context, template: TemplateDisk, place: Place) -> str:
    """The path of the template's catalog there; saved from the disk where it isn't yet."""
    path = place.path(f"{template.sha256}.vsc")
    staged = StagedFile.objects.filter(volume=place.volume, path=path).exists()
    if not staged:
        disk = staging.bring(ctx, template.file, place)
        script = scripts.load("library", "Get-TemplateDiskFacts")
        ctx.call(
            staging.endpoint(place.host), script, {"Path": disk, "CatalogPath": path}, timeout=110
        )
        note_catalog(template, place, template.catalog_sha256)
    return path


def note_catalog(template: TemplateDisk, place: Place, sha256: str) -> None:
    """Remembers that a template's catalog lies beside it."""
    StagedFile.objects.update_or_create(
        volume=place.volume,
        path=place.path(f"{template.sha256}.vsc"),
        defaults={"sha256": sha256.lower(), "size_bytes": 0, "staged_at": timezone.now()},
    )


@transaction.atomic
def _keep(pair: Pair, applicable: bool, code: str, message: str, host: str) -> bool:
    Pair.objects.filter(pk=pair.pk).update(
        applicable=applicable,
        reason_code=code,
        reason_message=message,
        checked_by_name=host,
        checked_at=timezone.now(),
        failures=0,
        retry_at=None,
    )
    inspection.nudge(pair)
    return applicable

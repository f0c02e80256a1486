"""What the library's pages show: read for a whole page at once, whatever the number of rows."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.permissions import holds
from apps.library import comparing, history, items, scrub, storage, usage, versions
from apps.library.choices import ItemStatus, Kind, UploadStatus
from apps.library.models import LibraryItem, Pair, ShieldingData, TemplateDisk, Upload

#: Rows of each table; who has more looks for them by name.
MOST = 100
HERE = (UploadStatus.COMPLETE, UploadStatus.REFUSED)
UNDER_WAY = (UploadStatus.RECEIVING, UploadStatus.VERIFYING)
STATES = {
    ItemStatus.USABLE: ("ok", "ok", "Usable"),
    ItemStatus.INSPECTING: ("info", "sync", "Being inspected"),
    ItemStatus.WAITING_FOR_HOST: ("warn", "clock", "Waiting for a host"),
    ItemStatus.REFUSED: ("bad", "bad", "Refused"),
}
RULES = {
    "equals": "version {} exactly",
    "greater-than": "versions after {}",
    "greater-than-or-equals": "version {} or later",
}


def overview(user: User, words: str = "") -> dict[str, Any]:
    """The tables of the library: pairs, template disks, shielding data."""
    disks = _found(TemplateDisk.objects.restrict(user), words, "filename", "catalog__name")
    data = _found(ShieldingData.objects.restrict(user), words, "filename")
    pairs = _found(
        Pair.objects.restrict(user).select_related("template_disk", "shielding_data"),
        words, "template_disk__filename", "template_disk__catalog__name",
        "shielding_data__filename",
    ).order_by("-applicable", "-created_at")  # fmt: skip
    shown = {
        "pairs": list(pairs[:MOST]), "disks": with_uses(disks[:MOST]),
        "data": with_uses(data[:MOST]),
    }  # fmt: skip
    _give_uses(shown["pairs"])
    return shown | {
        "number": {"pairs": pairs.count(), "disks": disks.count(), "data": data.count()},
        "fit": pairs.filter(applicable=True).count(),
        "misfit": pairs.filter(applicable=False).count(),
        "most": MOST,
    }


def _found(rows: Any, words: str, *columns: str) -> Any:
    looked = Q()
    for column in columns if words else ():
        looked |= Q(**{f"{column}__icontains": words})
    return rows.filter(looked).select_related("tenant")


def with_uses(rows: Iterable[Any]) -> list[Any]:
    """Gives each item of one kind `uses`: what still needs it."""
    found = list(rows)
    uses = usage.of(found[0].noun, [row.pk for row in found]) if found else {}
    for row in found:
        row.uses = uses[row.pk]
    return found


def _give_uses(pairs: Sequence[Pair]) -> None:
    """Gives each pair `uses`: what was made, or is being made, of both of its halves."""
    uses = usage.of_pairs(pairs)
    for pair in pairs:
        pair.uses = uses[pair.pk]


def uploads(user: User, words: str = "") -> dict[str, Any]:
    """What is under way, what was given up, and disks and images that are there to be used."""
    rows = _found(Upload.objects.restrict(user).select_related("actor"), words, "filename")
    coming = rows.filter(status__in=UNDER_WAY)
    ended = rows.filter(status=UploadStatus.EXPIRED)
    plain = rows.filter(status__in=HERE, kind__in=(Kind.DISK, Kind.ISO))
    shown = [*coming[:MOST], *ended[:MOST], *plain.select_related("file")[:MOST]]
    _give_integrity(shown)
    return {
        "uploads": shown,
        "coming": coming.count(),
        "may_stop": holds(user, "upload", "delete"),
    }


def _give_integrity(uploads: Sequence[Any]) -> None:
    """Gives each upload of a whole file `integrity`, what readings at rest found, and `being_read`;
    others have None.
    """
    whole = [one for one in uploads if one.status in HERE and one.file is not None]
    reading = scrub.being_read(whole) if whole else set()
    for one in uploads:
        one.integrity = scrub.told_of(one.file) if one in whole else None
        one.being_read = str(one.pk) in reading


def quota(user: User) -> dict[str, int] | None:
    """Bytes of the tenant's quota that are used, uploads under way included."""
    if user.tenant is None:
        return None
    return {"used": storage.used_by(user.tenant), "most": user.tenant.quota_bytes}


def may(user: User, noun: str) -> dict[str, bool]:
    """Which verbs the person has for items of a noun."""
    return {verb: holds(user, noun, verb) for verb in ("upload", "delete", "content", "deploy")}


def detail(user: User, item: Any) -> dict[str, Any]:
    """What the page of a template disk or of shielding data shows."""
    with_uses([item])
    pairs = item.pairs.restrict(user).select_related("template_disk", "shielding_data")
    return {
        "section": "library",
        "item": item,
        "pairs": list(pairs.order_by("-applicable", "-created_at")[:MOST]),
        "may": may(user, item.noun),
        "withheld": items.WITHHELD if items.is_withheld(user, item) else "",
        "may_see_hosts": holds(user, "host", "view"),
        "in_use": _in_use(item),
        "integrity": scrub.told_of(item.file),
        "being_read": scrub.is_under_way(item),
        "operations": history.operations_on(user, item),
        "arrival": history.arrival(item),
    }


def versions_of(user: User, disk: TemplateDisk) -> dict[str, Any]:
    """Every version of a template, the newest first, each with what was made of it."""
    chain = versions.chains([disk]).get(disk.pk, [])
    uses = usage.of("template-disk", [one.pk for one in chain])
    return {
        "versions": [
            {
                "disk": one,
                "version": versions.version_of(one),
                "uses": uses[one.pk],
                "this": one.pk == disk.pk,
                "newest": one.pk == chain[0].pk,
            }
            for one in chain
        ],
        "newer": versions.newer([disk]).get(disk.pk),
    }


def pair_detail(user: User, pair: Pair) -> dict[str, Any]:
    """What the page of a pair shows: the verdict, why, where it is used, what there is beside."""
    _give_uses([pair])
    chain = versions.chains([pair.template_disk]).get(pair.template_disk_id, [])
    beside = (
        Pair.objects.restrict(user)
        .filter(shielding_data=pair.shielding_data, template_disk__in=chain)
        .exclude(pk=pair.pk)
        .select_related("template_disk", "shielding_data")
    )
    return {
        "section": "library",
        "pair": pair,
        "comparisons": comparing.of(pair),
        "beside": list(beside),
        "newer": versions.newer([pair.template_disk]).get(pair.template_disk_id),
        "may": may(user, "pair"),
    }


def _in_use(item: LibraryItem) -> str:
    """Why it can't be deleted; empty where it can."""
    names: list[str] = sorted({use["name"] for use in getattr(item, "uses", [])})
    if not names:
        return ""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more} still need{'s' if len(names) == 1 else ''} it."


def qualifiers(data: ShieldingData) -> list[dict[str, str]]:
    """Which template disks the data trusts, in words."""
    return [
        {
            "name": one["name"],
            "rule": RULES.get(one["version_rule"], "{}").format(one["version"]),
            "signer": one["signer_thumbprint"],
        }
        for one in data.qualifiers
    ]


def state(item: LibraryItem) -> tuple[str, str, str]:
    """Tone, symbol and words of an item's state."""
    return STATES[ItemStatus(item.status)]

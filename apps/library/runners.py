"""What hosts do for the library: fetch a file, say what it holds, say what fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.library import content, facts, hosts, inspection, pairing, scrub, staging
from apps.library.choices import ItemStatus
from apps.library.hosts import Place
from apps.library.models import Pair, ShieldingData, TemplateDisk, item_model
from apps.operations import runners
from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.operations.models import Operation
from apps.operations.runners import Runner
from apps.remoting import scripts
from apps.remoting.errors import RemotingError, ScriptRefused

FETCH = "Bring the file to a host"
READ = "Read what the file holds"
PAIRS = "Check what it fits"
CHECK = "Check whether they fit"
READ_SECONDS = 110


def register() -> None:
    runners.register(
        Runner(
            kind=inspection.INSPECT, steps=(FETCH, READ, PAIRS), run=inspect,
            after=_inspection_ended, again=inspection_again,
        )
    )  # fmt: skip
    runners.register(
        Runner(
            kind=inspection.CHECK_PAIR, steps=(CHECK,), run=check_pair,
            after=_pair_ended, permission=("pair", "deploy"),
        )
    )  # fmt: skip
    runners.register(
        Runner(
            kind=scrub.VERIFY, steps=(scrub.READ,), run=scrub.verify, after=scrub.ended,
            permission=("template-disk", "delete"),
        )
    )  # fmt: skip
    runners.register(Runner(kind=staging.FORGET, steps=(staging.REMOVE,), run=staging.forget))


def inspect(ctx: Context) -> dict[str, Any]:
    """Stages the item, has the host read it, then checks the pairs that it may be half of."""
    item = _item(ctx)
    place = _place(ctx, item)
    with ctx.step(FETCH):
        path = staging.bring(ctx, item.file, place)
    with ctx.step(READ):
        told = _read(ctx, item, place, path)
        refused = _apply(item, told, place)
    if refused:
        ctx.skip(PAIRS, "It was refused.")
        return {"host": place.host.name, "status": ItemStatus.REFUSED}
    with ctx.step(PAIRS):
        checked = _check_pairs(ctx, item)
    return {"host": place.host.name, "status": ItemStatus.USABLE, "pairs_checked": checked}


def _item(ctx: Context) -> TemplateDisk | ShieldingData:
    model = item_model(ctx.operation.target_kind)
    item = model.objects.select_related("file", "tenant").filter(pk=ctx.operation.target_id).first()
    if item is None:
        raise OperationFailed("not-found", f"{ctx.operation.target_name} no longer exists.")
    return item


def _place(ctx: Context, item: TemplateDisk | ShieldingData) -> Place:
    """The place that was chosen when it was asked for, if that host is still up; else another."""
    place = hosts.still(ctx.parameters) or hosts.choose(
        size_bytes=item.size_bytes, sha256=item.sha256, attempt=item.failures
    )
    if place is None:
        raise OperationFailed("no-host", inspection.NOBODY)
    return place


def _read(
    ctx: Context, item: TemplateDisk | ShieldingData, place: Place, path: str
) -> Mapping[str, Any] | facts.Refusal:
    """What the host says of the file, or why it is none of that kind."""
    endpoint = staging.endpoint(place.host)
    try:
        if isinstance(item, TemplateDisk):
            script = scripts.load("library", "Get-TemplateDiskFacts")
            catalog = place.path(f"{item.sha256}.vsc")
            told = ctx.call(
                endpoint, script, {"Path": path, "CatalogPath": catalog}, timeout=READ_SECONDS
            )
            pairing.note_catalog(item, place, str(told.get("catalog_sha256", "")))
            return told
        script = scripts.load("library", "Get-ShieldingDataFacts")
        return ctx.call(endpoint, script, {"Path": path}, timeout=120)
    except ScriptRefused as refused:
        return facts.refusal(item, refused, place.host.name)


@transaction.atomic
def _apply(
    item: TemplateDisk | ShieldingData, told: Mapping[str, Any] | facts.Refusal, place: Place
) -> bool:
    """Keeps what the host said; whether the item is refused by it."""
    fields: dict[str, Any]
    if isinstance(told, facts.Refusal):
        fields = {"status": ItemStatus.REFUSED, "problems": [told.as_dict()]}
    elif isinstance(item, TemplateDisk):
        fields = {"status": ItemStatus.USABLE, "problems": [], **facts.of_template(told)}
    else:
        fields = {"status": ItemStatus.USABLE, "problems": [], **facts.of_shielding_data(told)}
    for name, value in fields.items():
        setattr(item, name, value)
    type(item).objects.filter(pk=item.pk).exclude(file__is_intact=False).update(
        **fields,
        inspected_by=place.host,
        inspected_by_name=place.host.name,
        inspected_at=timezone.now(),
        failures=0,
        retry_at=None,
        waiting_for="",
    )
    inspection.nudge(item)
    return item.status == ItemStatus.REFUSED


def _check_pairs(ctx: Context, item: TemplateDisk | ShieldingData) -> int:
    """Checks each new pair of the item; one that can't be checked now is left to the sweep."""
    found = pairing.make(item)
    for number, pair in enumerate(found):
        ctx.check_cancelled()
        ctx.progress(100 * number // len(found), f"With {pairing.other(pair, item).filename}")
        try:
            pairing.check(ctx, pair)
        except (RemotingError, OperationFailed) as error:
            ctx.check_cancelled()
            ctx.log(f"{pair.name} wasn’t checked: {error}")
    return len(found)


def check_pair(ctx: Context) -> dict[str, Any]:
    pair = (
        Pair.objects.select_related("template_disk__file", "shielding_data__file")
        .filter(pk=ctx.operation.target_id)
        .first()
    )
    if pair is None:
        raise OperationFailed("not-found", f"{ctx.operation.target_name} no longer exists.")
    with ctx.step(CHECK):
        applicable = pairing.check(ctx, pair)
    return {"applicable": applicable}


def inspection_again(*, actor: Any, operation: Operation) -> Operation:
    """The retry of an inspection chooses its host anew."""
    item = item_model(operation.target_kind).objects.get(pk=operation.target_id)
    return inspection.again(actor=actor, item=item)


def _inspection_ended(operation: Operation) -> None:
    content.revoke(operation)
    inspection.ended(operation)


def _pair_ended(operation: Operation) -> None:
    content.revoke(operation)
    inspection.pair_ended(operation)

"""How history is written: one row a change, nothing in between.

The host's row is locked while its spans change, so that two readings at once neither overlap nor
both begin a span; what comes late is left out, because a later reading has spoken already.
"""

import datetime
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.attestation.choices import SpanKind
from apps.attestation.models import Verdict, VerdictSpan
from apps.audit import services as audit_log
from apps.common.freshness import LIVE
from apps.common.time import iso
from apps.fabric.models import Host
from apps.operations import nudges

#: Columns that a verdict has besides when it was seen.
Columns = dict[str, Any]


def unseen_after() -> datetime.timedelta:
    """How long a host may go without being read before that is a gap: three intervals."""
    return max(LIVE, datetime.timedelta(seconds=3 * settings.FABRIC_OBSERVE_SECONDS))


@transaction.atomic
def observed(host: Host, at: datetime.datetime, columns: Columns) -> None:
    """A host told its verdict. `columns`: `status`, `sub_status` and the rest of a Verdict's."""
    at = _whole(at)
    if not _lock(host):
        return
    verdict = Verdict.objects.filter(host=host).first()
    span = _current(host)
    if span is not None and (at < span.last_seen or (verdict and at == verdict.last_seen)):
        return
    since = _see(host, span, at, columns["status"], columns["sub_status"])
    before = _shown(verdict)
    Verdict.objects.update_or_create(
        host=host, defaults={**columns, "since": since, "last_seen": at}
    )
    verdict = Verdict.objects.get(host=host)
    if before != _shown(verdict):
        nudges.publish("attestation", verdict.pk, kind="verdict")
        nudges.publish("host", host.pk)


@transaction.atomic
def missed(host: Host, at: datetime.datetime, reason: str) -> None:
    """A host that should have told its verdict told none."""
    at = _whole(at)
    if not _lock(host):
        return
    span = _current(host)
    if span is None:
        _begin(host, SpanKind.GAP, at, at, reason=reason, observations=0)
    elif at < span.last_seen:
        return
    elif span.kind == SpanKind.GAP:
        VerdictSpan.objects.filter(pk=span.pk).update(last_seen=at, reason=reason)
    else:
        _close(span)
        _begin(host, SpanKind.GAP, span.last_seen, at, reason=reason, observations=0)
        verdict_id = Verdict.objects.filter(host=host).values_list("pk", flat=True).first()
        if verdict_id:
            nudges.publish("attestation", verdict_id, kind="verdict")


def _see(
    host: Host,
    span: VerdictSpan | None,
    at: datetime.datetime,
    status: str,
    sub_status: Sequence[str],
) -> datetime.datetime:
    """Lets the current span grow, or begins another; since when the verdict is so."""
    if span is None:
        return _verdict(host, at, status, sub_status)
    if span.kind == SpanKind.GAP:
        VerdictSpan.objects.filter(pk=span.pk).update(last_seen=at, current=False)
        return _verdict(host, at, status, sub_status)
    if at - span.last_seen > unseen_after():
        _close(span)
        _begin(
            host, SpanKind.GAP, span.last_seen, at, observations=0, current=False,
            reason="The portal didn’t read the host: it was off, or its workers were.",
        )  # fmt: skip
        return _verdict(host, at, status, sub_status)
    if (span.status, span.sub_status) == (status, list(sub_status)):
        VerdictSpan.objects.filter(pk=span.pk).update(
            last_seen=at, observations=span.observations + 1, host_name=host.name,
            cluster_name=host.cluster.name,
        )  # fmt: skip
        return span.first_seen
    _close(span)
    return _verdict(host, at, status, sub_status)


def _whole(at: datetime.datetime) -> datetime.datetime:
    """To the millisecond, as times are told: a span is found by the times that it is told with."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _lock(host: Host) -> bool:
    return Host.objects.select_for_update(no_key=True).filter(pk=host.pk).first() is not None


def _current(host: Host) -> VerdictSpan | None:
    return VerdictSpan.objects.filter(host_key=host.pk, current=True).first()


def _close(span: VerdictSpan) -> None:
    VerdictSpan.objects.filter(pk=span.pk).update(current=False)


def _verdict(
    host: Host, at: datetime.datetime, status: str, sub_status: Sequence[str]
) -> datetime.datetime:
    _begin(host, SpanKind.VERDICT, at, at, status=status, sub_status=list(sub_status))
    return at


def _begin(
    host: Host, kind: SpanKind, first: datetime.datetime, last: datetime.datetime, **more: Any
) -> None:
    VerdictSpan.objects.create(
        host_key=host.pk, host_name=host.name, cluster_key=host.cluster_id,
        cluster_name=host.cluster.name, kind=kind, first_seen=first, last_seen=last, **more,
    )  # fmt: skip
    _log(host, kind, first, **more)


def _log(
    host: Host, kind: SpanKind, first: datetime.datetime, *, status: str = "",
    sub_status: Sequence[str] = (), reason: str = "", **_: Any,
) -> None:  # fmt: skip
    """Each change is an entry of the log, which proves itself: history can't be written anew."""
    detail: dict[str, Any]
    if kind == SpanKind.GAP:
        action, outcome, detail = "host.unread", "errored", {"reason": reason}
    else:
        action, outcome = "host.attest", "done" if status == "Passed" else "failed"
        detail = {"status": status, "sub_status": list(sub_status)}
    audit_log.record(
        actor=None, action=action, target_kind="host", target_id=host.pk, target_name=host.name,
        outcome=outcome, detail={"cluster": host.cluster.name, "since": iso(first), **detail},
    )  # fmt: skip


def _shown(verdict: Verdict | None) -> tuple[Any, ...]:
    if verdict is None:
        return ()
    return (verdict.status, tuple(verdict.sub_status), verdict.guardian_service_id, verdict.since)

"""History as strips of time: one for each host, cut to a window."""

import datetime
import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.attestation import facts
from apps.attestation.choices import SpanKind
from apps.attestation.models import VerdictSpan
from apps.common.freshness import LIVE

#: What can be looked at, and how many days that is.
WINDOWS = {"day": 1, "week": 7, "month": 30, "quarter": 91}
#: A host whose verdict flaps all the time is drawn with its latest spans.
MOST_SPANS = 2000


@dataclass
class Strip:
    """`spans` as drawn, oldest first: {"status" ("" for a gap), "start", "end", "title"}."""

    host_id: UUID
    host: str
    cluster: str
    spans: list[dict[str, Any]] = field(default_factory=list)

    @property
    def label(self) -> str:
        """In words, for who can't see it: “n1: Passed, then Expired, then Passed”."""
        words = [_words(span["status"]) for span in self.spans]
        told = [word for word, _ in itertools.groupby(words)]
        if len(told) > 6:
            told = [f"{len(self.spans)} changes", "last " + told[-1]]
        return f"{self.host}: {', then '.join(told) or 'never observed'}"


def window(name: str, now: datetime.datetime | None = None) -> tuple[datetime.datetime, ...]:
    """Begin and end of a window of WINDOWS; a week for any other word."""
    end = now or timezone.now()
    return end - datetime.timedelta(days=WINDOWS.get(name, WINDOWS["week"])), end


def strips(
    spans: Iterable[VerdictSpan], start: datetime.datetime, end: datetime.datetime
) -> list[Strip]:
    """One strip a host, by cluster and name. Spans may come in any order."""
    found: dict[UUID, Strip] = {}
    for span in sorted(spans, key=lambda one: (one.first_seen, one.last_seen)):
        strip = found.setdefault(
            span.host_key, Strip(span.host_key, span.host_name, span.cluster_name)
        )
        strip.host = span.host_name
        _join(strip, span, start, end)
    return sorted(found.values(), key=lambda one: (one.cluster, one.host))


def of_hosts(
    ids: Collection[UUID], start: datetime.datetime, end: datetime.datetime
) -> dict[UUID, Strip]:
    rows = VerdictSpan.objects.filter(
        host_key__in=ids, last_seen__gte=start, first_seen__lte=end
    ).order_by("-first_seen", "-last_seen")[: MOST_SPANS * max(1, len(ids))]
    return {strip.host_id: strip for strip in strips(rows, start, end)}


def _join(
    strip: Strip, span: VerdictSpan, start: datetime.datetime, end: datetime.datetime
) -> None:
    """Adds a span as it is drawn. Between two readings an interval apart nothing was missed: the
    earlier verdict is drawn up to the next, and the current one up to now.
    """
    status = span.status if span.kind == SpanKind.VERDICT else ""
    begin, finish = max(span.first_seen, start), min(span.last_seen, end)
    if span.current and end - finish <= LIVE:
        finish = end
    last = strip.spans[-1] if strip.spans else None
    if last is not None and begin - last["end"] <= LIVE:
        last["end"] = begin
    strip.spans.append(
        {"status": status, "start": begin, "end": finish, "title": _title(span, status)}
    )


def _title(span: VerdictSpan, status: str) -> str:
    since = timezone.localtime(span.first_seen).strftime("%-d %b %H:%M")
    until = timezone.localtime(span.last_seen).strftime("%-d %b %H:%M")
    named = f" ({', '.join(span.sub_status)})" if span.sub_status else ""
    why = f": {span.reason}" if span.reason else ""
    return f"{_words(status)}{named}, {since} to {'now' if span.current else until}{why}"


def _words(status: str) -> str:
    return facts.status_fact(status).title if status else "Not observed"

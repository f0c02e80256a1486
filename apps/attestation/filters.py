"""Filters of verdicts and of their history, for the API, the export and the pages alike."""

import datetime
import uuid
from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from apps.attestation.choices import SpanKind, Status
from apps.attestation.models import GuardianService, Verdict, VerdictSpan
from apps.common.api.filters import StrictFilterSet
from apps.common.errors import Invalid
from apps.fabric.filters import RowFilter


class KeyFilter(django_filters.CharFilter):
    """A host or cluster by its id or its name, also one that is no longer there."""

    def filter(self, qs: QuerySet[Any], value: str | None) -> QuerySet[Any]:
        if not value:
            return qs
        try:
            return qs.filter(**{f"{self.field_name}_key": uuid.UUID(value.strip())})
        except ValueError:
            return qs.filter(**{f"{self.field_name}_name__iexact": value.strip()})


class TimeFilter(django_filters.CharFilter):
    """A moment in ISO 8601; without a zone it is UTC, without a time the day's beginning."""

    def __init__(self, *, lookup: str, name: str, **options: Any) -> None:
        self.name = name
        super().__init__(field_name=lookup, **options)

    def filter(self, qs: QuerySet[Any], value: str | None) -> QuerySet[Any]:
        if not value:
            return qs
        asked = moment(self.name, value)
        if self.field_name.endswith("__lt"):
            # Times are told to the millisecond: one that was read here means all of it.
            asked += datetime.timedelta(milliseconds=1)
        return qs.filter(**{self.field_name: asked})


def moment(field: str, value: str) -> datetime.datetime:
    """Raises Invalid that names the field."""
    try:
        # a + that nobody encoded has arrived as a space
        found = datetime.datetime.fromisoformat(value.strip().replace(" ", "+", 1))
    except ValueError:
        try:
            found = datetime.datetime.fromisoformat(value.strip())
        except ValueError as error:
            raise _no_time(field) from error
    if found.tzinfo is None:
        return found.replace(tzinfo=datetime.UTC)
    try:
        return found.astimezone(datetime.UTC)
    except OverflowError as error:
        raise _no_time(field) from error


def _no_time(field: str) -> Invalid:
    return Invalid.field(field, "It has to be a time such as 2026-11-24T09:00:00Z.")


class VerdictFilters(StrictFilterSet):
    host = RowFilter(label="host, by id or name")
    cluster = RowFilter(field_name="host__cluster", label="cluster, by id or name")
    status = django_filters.MultipleChoiceFilter(choices=Status.choices)

    search_fields = ("host__name", "host__cluster__name", "status")
    ordering_fields = {
        "host": "host__name",
        "cluster": "host__cluster__name",
        "status": "status",
        "since": "since",
        "last_seen": "last_seen",
    }

    class Meta:
        model = Verdict
        fields: list[str] = []


class HistoryFilters(StrictFilterSet):
    """`from` and `to` give every span that reaches into the time between them."""

    host = KeyFilter(label="host, by id or name")
    cluster = KeyFilter(label="cluster, by id or name")
    kind = django_filters.MultipleChoiceFilter(choices=SpanKind.choices)
    status = django_filters.MultipleChoiceFilter(choices=Status.choices)
    current = django_filters.BooleanFilter()
    failing = django_filters.BooleanFilter(method="only_failing", label="failures and gaps")

    search_fields = ("host_name", "cluster_name", "status", "reason")
    ordering_fields = {
        "first_seen": "first_seen",
        "last_seen": "last_seen",
        "host": "host_name",
        "cluster": "cluster_name",
        "status": "status",
        "observations": "observations",
    }

    class Meta:
        model = VerdictSpan
        fields: list[str] = []

    def only_failing(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        return (
            queryset.exclude(Q(kind=SpanKind.VERDICT, status=Status.PASSED)) if value else queryset
        )


# Python keeps `from` for itself, so these two can't be declared in the class.
HistoryFilters.base_filters["from"] = TimeFilter(lookup="last_seen__gte", name="from", label="from")
HistoryFilters.base_filters["to"] = TimeFilter(lookup="first_seen__lt", name="to", label="to")


class GuardianServiceFilters(StrictFilterSet):
    search_fields = ("name", "address")
    ordering_fields = ("name", "address", "mode", "observed_at")

    class Meta:
        model = GuardianService
        fields: list[str] = []

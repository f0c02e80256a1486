"""Filters of the fabric's lists, for the API and the pages alike."""

import uuid
from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from apps.common.api.filters import StrictFilterSet
from apps.fabric.choices import DrainState, FaultSeverity, HostState
from apps.fabric.models import Cluster, HealthFault, Host, VirtualSwitch, Volume


class RowFilter(django_filters.CharFilter):
    """A related row, by its id or by its name; several, separated by commas, mean any of them.

    With `distinct` where a row may have several of them, as virtual switches have hosts.
    """

    def filter(self, qs: QuerySet[Any], value: str | None) -> QuerySet[Any]:
        if not value:
            return qs
        looked = Q()
        for one in value.split(","):
            looked |= self.condition(one.strip())
        found = qs.filter(looked)
        return found.distinct() if self.distinct else found

    def condition(self, value: str) -> Q:
        try:
            return Q(**{self.field_name: uuid.UUID(value)})
        except ValueError:
            return Q(**{f"{self.field_name}__name__iexact": value})


class ClusterFilters(StrictFilterSet):
    search_fields = ("name", "address", "domain")
    ordering_fields = ("name", "address", "observed_at", "nodes_up", "nodes_total")

    class Meta:
        model = Cluster
        fields: list[str] = []


class HostFilters(StrictFilterSet):
    cluster = RowFilter(label="cluster, by id or name")
    state = django_filters.MultipleChoiceFilter(choices=HostState.choices)
    drain = django_filters.MultipleChoiceFilter(choices=DrainState.choices)

    search_fields = ("name", "fqdn", "cluster__name")
    ordering_fields = {
        "name": "name",
        "cluster": "cluster__name",
        "state": "state",
        "processors": "processors",
        "memory_bytes": "memory_bytes",
        "memory_available_bytes": "memory_available_bytes",
        "observed_at": "observed_at",
    }

    class Meta:
        model = Host
        fields: list[str] = []


class VolumeFilters(StrictFilterSet):
    cluster = RowFilter(label="cluster, by id or name")

    search_fields = ("name", "path", "cluster__name")
    ordering_fields = {
        "name": "name",
        "cluster": "cluster__name",
        "size_bytes": "size_bytes",
        "free_bytes": "free_bytes",
        "observed_at": "observed_at",
    }

    class Meta:
        model = Volume
        fields: list[str] = []


class VirtualSwitchFilters(StrictFilterSet):
    cluster = RowFilter(label="cluster, by id or name")
    host = RowFilter(field_name="hosts", distinct=True, label="host, by id or name")

    search_fields = ("name", "cluster__name")
    ordering_fields = {"name": "name", "cluster": "cluster__name", "observed_at": "observed_at"}

    class Meta:
        model = VirtualSwitch
        fields: list[str] = []


class HealthFaultFilters(StrictFilterSet):
    cluster = RowFilter(label="cluster, by id or name")
    severity = django_filters.MultipleChoiceFilter(choices=FaultSeverity.choices)

    search_fields = ("reason", "faulting_object", "type")
    ordering_fields = {
        "severity": "severity",
        "cluster": "cluster__name",
        "raised_at": "raised_at",
        "observed_at": "observed_at",
    }

    class Meta:
        model = HealthFault
        fields: list[str] = []

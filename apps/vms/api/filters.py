"""Filters of the list of virtual machines, for the API and for the grid alike."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from apps.common.api.filters import StrictFilterSet
from apps.fabric.filters import RowFilter
from apps.library.models import TemplateDisk
from apps.vms.choices import Protection, VMState
from apps.vms.deployments.models import Deployment
from apps.vms.models import VirtualMachine


class VirtualMachineFilters(StrictFilterSet):
    cluster = RowFilter(label="cluster, by id or name")
    host = RowFilter(label="host, by id or name")
    tenant = RowFilter(label="tenant, by id or name")
    state = django_filters.MultipleChoiceFilter(choices=VMState.choices)
    protection = django_filters.MultipleChoiceFilter(choices=Protection.choices)
    clustered = django_filters.BooleanFilter()
    template_disk = django_filters.UUIDFilter(
        method="made_from", label="template disk that it was made from"
    )
    attention = django_filters.BooleanFilter(method="needs_attention", label="needs attention")

    search_fields = ("name",)
    ties = ("name", "id")  # as the indexes have them
    ordering_fields = {
        "name": "name",
        "state": "state",
        "host": "host__name",
        "cluster": "cluster__name",
        "processors": "processors",
        "cpu": "cpu_percent",
        "memory_bytes": "memory_bytes",
        "uptime_seconds": "started_at",
        "protection": "protection",
        "tenant": "tenant__name",
        "observed_at": "observed_at",
    }

    class Meta:
        model = VirtualMachine
        fields: list[str] = []

    def made_from(self, queryset: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        visible = TemplateDisk.objects.restrict(self.request.user).filter(pk=value)
        made = Deployment.objects.filter(template_disk__in=visible)
        return queryset.filter(pk__in=made.values("virtual_machine"))

    def needs_attention(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        troubled = Q(state__in=[VMState.CRITICAL, VMState.UNKNOWN]) | Q(failing_since__isnull=False)
        return queryset.filter(troubled) if value else queryset.exclude(troubled)

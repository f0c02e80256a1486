"""What a list of operations can be narrowed by."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet

from apps.common.api.filters import StrictFilterSet
from apps.operations.choices import Status
from apps.operations.models import Operation


class OperationFilter(StrictFilterSet):
    """`target` is the target's id; `actor` a user's id or name."""

    search_fields = ("title", "target_name", "kind", "actor_name")
    ordering_fields = {
        "created_at": "created_at",
        "created": "created_at",
        "started_at": "started_at",
        "ended_at": "ended_at",
        "status": "status",
        "kind": "kind",
        "target": "target_name",
        "actor": "actor_name",
    }

    kind = django_filters.CharFilter()
    status = django_filters.MultipleChoiceFilter(choices=Status.choices)
    target = django_filters.CharFilter(field_name="target_id")
    target_kind = django_filters.CharFilter()
    actor = django_filters.CharFilter(method="by_actor")
    tenant = django_filters.UUIDFilter(field_name="tenant_id")
    created = django_filters.DateFilter(field_name="created_at", lookup_expr="date")
    created_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Operation
        fields: list[str] = []

    def by_actor(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if _is_uuid(value):
            return queryset.filter(actor_id=value)
        return queryset.filter(actor_name=value)


def _is_uuid(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True

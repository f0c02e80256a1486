"""How the log is searched, at the API and on the page."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from apps.audit.models import Outcome
from apps.common.api.filters import StrictFilterSet


class AuditFilters(StrictFilterSet):
    search_fields = ("actor_name", "action", "target_name", "target_id")
    ordering_fields = ("index",)

    actor = django_filters.CharFilter(field_name="actor_name", lookup_expr="iexact")
    action = django_filters.CharFilter(field_name="action", lookup_expr="istartswith")
    target = django_filters.CharFilter(method="of_target", label="name or id of the target")
    outcome = django_filters.ChoiceFilter(choices=Outcome.choices)

    def of_target(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(Q(target_id=value) | Q(target_name__iexact=value))


# `from` is a word of Python's, so these two can't be written as attributes.
AuditFilters.base_filters["from"] = django_filters.IsoDateTimeFilter(
    field_name="time", lookup_expr="gte"
)
AuditFilters.base_filters["to"] = django_filters.IsoDateTimeFilter(
    field_name="time", lookup_expr="lt"
)

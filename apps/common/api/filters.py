"""Strict filters: a value outside its field's words, or an ordering that isn't offered, is
refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.http import QueryDict
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.common.api.exceptions import invalid
from apps.common.errors import Invalid

LONGEST = 200


class StrictFilterSet(django_filters.FilterSet):
    """The filters of a list.

    `search_fields` are looked through by `q`. `ordering_fields` are the words that `ordering`
    takes, or a mapping from such a word to the model's field; `-` before a word turns it round.
    `ties` order rows that compare equal, so that they keep one order over pages; the last is the
    key. They are turned round with the last word, so that an index serves both ways.
    """

    search_fields: Sequence[str] = ()
    ordering_fields: Mapping[str, str] | Sequence[str] = ()
    ties: Sequence[str] = ("pk",)

    q = django_filters.CharFilter(method="search", label="words to look for")

    def search(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        looked = Q()
        for field in self.search_fields:
            looked |= Q(**{f"{field}__icontains": value[:LONGEST]})
        return queryset.filter(looked) if self.search_fields else queryset

    def rows(self) -> QuerySet[Any]:
        """The filtered and ordered rows; raises Invalid naming what is wrong."""
        if not self.is_valid():
            found = {name: [str(text) for text in texts] for name, texts in self.errors.items()}
            raise invalid(found)
        return self._ordered(self.qs)

    def _ordered(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = [word for word in (self.data or {}).get("ordering", "").split(",") if word.strip()]
        if not asked:
            return queryset
        known = self.ordering_fields
        fields = dict(known) if isinstance(known, Mapping) else {name: name for name in known}
        order = []
        for word in asked:
            name = word.strip().lstrip("-")
            if name not in fields:
                raise Invalid.field(
                    "ordering",
                    f"It has to be one of {', '.join(sorted(fields))}.",
                    "invalid_choice",
                )
            order.append(("-" if word.strip().startswith("-") else "") + fields[name])
        return queryset.order_by(*order, *self._ties(order))

    def _ties(self, order: Sequence[str]) -> list[str]:
        known = {field.lstrip("-") for field in order}
        sign = "-" if order[-1].startswith("-") else ""
        return [sign + field for field in self.ties if field not in known]


def clean_query(query: QueryDict) -> QueryDict:
    """The query, refused where a value holds what no database can compare."""
    for name, values in query.lists():
        for value in values:
            if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
                raise Invalid.field(name[:LONGEST], "It holds a character that can't be kept.")
    return query


class FilterBackend(BaseFilterBackend):
    """Applies the view's `filterset_class`. Parameters that no filter knows are left alone."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        kind = getattr(view, "filterset_class", None)
        query = clean_query(request.query_params)
        if kind is None:
            return queryset
        return kind(data=query, queryset=queryset, request=request).rows()

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        kind = getattr(view, "filterset_class", None)
        if kind is None:
            return []
        names = [*kind.base_filters, *(["ordering"] if kind.ordering_fields else [])]
        return [_parameter(name, kind.base_filters.get(name), kind) for name in names]


def _parameter(name: str, found: Any, kind: type[StrictFilterSet]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    choices = (found.extra.get("choices") if found is not None else None) or ()
    if name == "ordering":
        schema["description"] = "One or more of: " + ", ".join(sorted(kind.ordering_fields))
    elif choices and not callable(choices):
        schema["enum"] = [str(value) for value, _ in choices]
    return {"name": name, "in": "query", "required": False, "schema": schema}

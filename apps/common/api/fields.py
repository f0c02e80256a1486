"""Fields that all serializers share: related rows, addresses."""

from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.time import iso


@extend_schema_field(
    {
        "type": "object",
        "nullable": True,
        "readOnly": True,
        "properties": {"id": {"type": "string", "format": "uuid"}, "name": {"type": "string"}},
    }
)
class RelatedField(serializers.RelatedField):
    """A related row: read as {"id", "name"}, written as its id.

    For writes give `queryset` (a callable taking the user is asked at each request, so that it
    can be restricted): a row outside it is refused in the same words as one that isn't there.
    """

    default_error_messages = {
        "missing": "There is no such row.",
        "not_an_id": "It has to be the id of a row.",
    }

    def __init__(self, *, name: str = "name", **options: Any) -> None:
        self.name_of = name
        if options.get("queryset") is None:
            options.setdefault("read_only", True)
        super().__init__(**options)

    def use_pk_only_optimization(self) -> bool:
        return False

    def get_queryset(self) -> QuerySet[Any]:
        field: Any = self
        found = field.queryset
        if callable(found) and not isinstance(found, QuerySet) and not hasattr(found, "all"):
            return found(self.context["request"].user)
        return cast("QuerySet[Any]", super().get_queryset())

    def get_choices(self, cutoff: int | None = None) -> dict[Any, Any]:
        return {}

    def to_internal_value(self, data: Any) -> Model:
        if not isinstance(data, str):
            self.fail("not_an_id")
        try:
            return self.get_queryset().get(pk=data)
        except (ValueError, TypeError, ValidationError):
            self.fail("not_an_id")
        except self.get_queryset().model.DoesNotExist:
            self.fail("missing")

    def to_representation(self, value: Any) -> dict[str, str]:
        return {"id": str(value.pk), "name": str(getattr(value, self.name_of))}


@extend_schema_field({"type": "string", "format": "uri", "readOnly": True})
class UrlField(serializers.Field):
    """The row's own address in the API: the named view with the row's key."""

    def __init__(self, view_name: str, **options: Any) -> None:
        self.view_name = view_name
        options["source"] = "*"
        options["read_only"] = True
        super().__init__(**options)

    def to_representation(self, value: Any) -> str:
        return reverse(self.view_name, args=[value.pk])


class MomentField(serializers.DateTimeField):
    """A time as the API writes it: UTC with Z, to the millisecond."""

    def to_representation(self, value: Any) -> Any:
        return iso(value)

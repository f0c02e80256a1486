import django_filters

from apps.common.api.filters import StrictFilterSet
from apps.library.choices import ItemStatus, Kind, Policy, Purpose, UploadStatus


class UploadFilters(StrictFilterSet):
    search_fields = ("filename", "sha256")
    ordering_fields = ("filename", "size", "created_at", "status")

    kind = django_filters.ChoiceFilter(choices=Kind.choices)
    status = django_filters.ChoiceFilter(choices=UploadStatus.choices)
    tenant = django_filters.UUIDFilter(field_name="tenant")


class TemplateDiskFilters(StrictFilterSet):
    search_fields = ("filename", "sha256")
    ordering_fields = ("filename", "size_bytes", "created_at", "status")

    status = django_filters.ChoiceFilter(choices=ItemStatus.choices)
    tenant = django_filters.UUIDFilter(field_name="tenant")
    sha256 = django_filters.CharFilter()


class ShieldingDataFilters(TemplateDiskFilters):
    policy = django_filters.ChoiceFilter(choices=Policy.choices)
    purpose = django_filters.ChoiceFilter(choices=Purpose.choices)


class PairFilters(StrictFilterSet):
    search_fields = ("template_disk__filename", "shielding_data__filename")
    ordering_fields = ("created_at", "checked_at")

    applicable = django_filters.ChoiceFilter(
        choices=[("true", "Applies"), ("false", "Doesn’t apply"), ("null", "Not known yet")],
        method="by_verdict",
    )
    tenant = django_filters.UUIDFilter(field_name="tenant")
    template_disk = django_filters.UUIDFilter(field_name="template_disk")
    shielding_data = django_filters.UUIDFilter(field_name="shielding_data")

    def by_verdict(self, queryset, name: str, value: str):  # type: ignore[no-untyped-def]
        return queryset.filter(applicable={"true": True, "false": False, "null": None}[value])

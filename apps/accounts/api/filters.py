import django_filters

from apps.accounts.choices import Role
from apps.common.api.filters import StrictFilterSet


class TenantFilters(StrictFilterSet):
    search_fields = ("name",)
    ordering_fields = ("name", "created_at")


class UserFilters(StrictFilterSet):
    search_fields = ("username",)
    ordering_fields = ("username", "role", "last_login")

    role = django_filters.ChoiceFilter(choices=Role.choices)


class TokenFilters(StrictFilterSet):
    search_fields = ("name",)
    ordering_fields = ("name", "created_at", "expires_at", "last_used_at")

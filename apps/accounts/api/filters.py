"""Filters of people, tenants and tokens, for the API and for the pages alike."""

import uuid
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts.choices import Role, TokenState
from apps.common.api.filters import StrictFilterSet


def _is_id(value: str) -> bool:
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True


class TenantFilters(StrictFilterSet):
    search_fields = ("name",)
    ordering_fields = ("name", "created_at", "quota_bytes", "quota_vms")


class UserFilters(StrictFilterSet):
    search_fields = ("username",)
    ordering_fields = ("username", "role", "last_login")

    role = django_filters.ChoiceFilter(choices=Role.choices)
    tenant = django_filters.CharFilter(method="of_tenant", label="tenant, by id or name")
    is_active = django_filters.BooleanFilter()

    def of_tenant(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(**{"tenant" if _is_id(value) else "tenant__name": value})


class TokenFilters(StrictFilterSet):
    search_fields = ("name", "user__username", "prefix")
    ordering_fields = {
        "name": "name",
        "user": "user__username",
        "created_at": "created_at",
        "expires_at": "expires_at",
        "last_used_at": "last_used_at",
    }

    user = django_filters.CharFilter(method="of_user", label="whose, by id or user name")
    state = django_filters.ChoiceFilter(choices=TokenState.choices, method="in_state")

    def of_user(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(**{"user" if _is_id(value) else "user__username": value})

    def in_state(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == TokenState.REVOKED:
            return queryset.exclude(revoked_at=None)
        expired = Q(expires_at__lte=timezone.now())
        rows = queryset.filter(revoked_at=None)
        if value == TokenState.EXPIRED:
            return rows.filter(expired)
        return rows.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))

"""People, tenants and tokens as the API tells of them."""

from typing import Any

from rest_framework import serializers

from apps.accounts.choices import Role
from apps.accounts.models import ApiToken, Tenant, User
from apps.accounts.permissions import permissions_of
from apps.common.api.fields import MomentField, RelatedField, UrlField


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    url = UrlField("tenant-detail")
    created_at = MomentField(read_only=True)

    class Meta:
        model = Tenant
        fields = ("id", "url", "name", "quota_bytes", "quota_vms", "created_at")


class UserSerializer(serializers.ModelSerializer[User]):
    url = UrlField("user-detail")
    tenant = RelatedField()
    last_login = MomentField(read_only=True)

    class Meta:
        model = User
        fields = ("id", "url", "username", "role", "tenant", "is_active", "last_login")


class MeSerializer(serializers.ModelSerializer[User]):
    """Who asks, and what its role includes: noun → actions."""

    url = serializers.SerializerMethodField()
    tenant = RelatedField()
    permissions = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "url", "username", "role", "tenant", "theme", "permissions")

    def get_url(self, user: User) -> str:
        return "/api/v1/me/"

    def get_permissions(self, user: User) -> dict[str, list[str]]:
        return permissions_of(user.role)


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    url = UrlField("token-detail")
    created_at = MomentField(read_only=True)
    expires_at = MomentField(read_only=True)
    revoked_at = MomentField(read_only=True)
    last_used_at = MomentField(read_only=True)

    class Meta:
        model = ApiToken
        fields = (
            "id",
            "url",
            "name",
            "prefix",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
        )


class NewTokenSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class IssuedTokenSerializer(TokenSerializer):
    """The token with its key, told this once."""

    key = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "key")  # type: ignore[assignment]


class NewUserSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(write_only=True, max_length=1024, trim_whitespace=False)
    role = serializers.ChoiceField(choices=Role.choices)
    tenant = RelatedField(
        queryset=Tenant.objects.all(), required=False, allow_null=True, default=None
    )


class NewTenantSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=63)
    quota_bytes = serializers.IntegerField(required=False, min_value=0, max_value=2**60)
    quota_vms = serializers.IntegerField(required=False, min_value=0, max_value=100_000)

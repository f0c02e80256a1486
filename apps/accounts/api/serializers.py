"""People, tenants and tokens as the API tells of them."""

from typing import Any

from rest_framework import serializers

from apps.accounts import holdings
from apps.accounts.choices import Role, TokenState
from apps.accounts.models import ApiToken, Tenant, User
from apps.accounts.permissions import permissions_of
from apps.common.api.fields import MomentField, RelatedField, UrlField


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    """`used_vms` counts those that are being deployed, `used_bytes` uploads from their beginning:
    as quotas do.
    """

    url = UrlField("tenant-detail")
    created_at = MomentField(read_only=True)
    used_bytes = serializers.SerializerMethodField()
    used_vms = serializers.SerializerMethodField()

    class Meta:
        model = Tenant
        fields = (
            "id", "url", "name", "quota_bytes", "used_bytes", "quota_vms", "used_vms", "created_at",
        )  # fmt: skip

    def get_used_bytes(self, tenant: Tenant) -> int:
        return self._used(tenant, "bytes")

    def get_used_vms(self, tenant: Tenant) -> int:
        return self._used(tenant, "vms")

    def _used(self, tenant: Tenant, name: str) -> int:
        """Asked once for all rows of an answer."""
        context: Any = self.context
        if tenant.pk not in context.setdefault("used_of", set()):
            rows: Any = self.parent.instance if self.parent is not None else [tenant]
            context["used_of"] = {row.pk for row in rows} | {tenant.pk}
            context["used"] = holdings.used(context["used_of"])
        used: dict[str, Any] = context["used"]
        return int(used.get(name, {}).get(tenant.pk, 0))


class UserSerializer(serializers.ModelSerializer[User]):
    """`has_password` is false until somebody who was invited has chosen one."""

    url = UrlField("user-detail")
    tenant = RelatedField()
    has_password = serializers.BooleanField(source="has_usable_password", read_only=True)
    last_login = MomentField(read_only=True)
    created_at = MomentField(source="date_joined", read_only=True)

    class Meta:
        model = User
        fields = (
            "id", "url", "username", "role", "tenant", "is_active", "has_password", "last_login",
            "created_at",
        )  # fmt: skip


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
    user = RelatedField(name="username")
    state = serializers.ChoiceField(choices=TokenState.choices, read_only=True)
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
            "user",
            "prefix",
            "state",
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


class PasswordSerializer(serializers.Serializer[Any]):
    password = serializers.CharField(
        write_only=True, max_length=1024, trim_whitespace=False, style={"input_type": "password"}
    )


class NewUserSerializer(serializers.Serializer[Any]):
    """Without a password nobody signs in until a password link was used."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(
        write_only=True, required=False, max_length=1024, trim_whitespace=False,
        style={"input_type": "password"},
    )  # fmt: skip
    role = serializers.ChoiceField(choices=Role.choices)
    tenant = RelatedField(
        queryset=Tenant.objects.all(), required=False, allow_null=True, default=None
    )


class UserRoleSerializer(serializers.Serializer[Any]):
    """What isn't sent stays; somebody who stops being a tenant's loses the tenant by itself."""

    role = serializers.ChoiceField(choices=Role.choices, required=False)
    tenant = RelatedField(queryset=Tenant.objects.all(), required=False, allow_null=True)


class PasswordLinkSerializer(serializers.Serializer[Any]):
    """Opens once, until `expires_at`; told this once."""

    url = serializers.CharField(read_only=True)
    expires_at = MomentField(read_only=True)


class NewTenantSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=63)
    quota_bytes = serializers.IntegerField(required=False, min_value=0, max_value=2**60)
    quota_vms = serializers.IntegerField(required=False, min_value=0, max_value=100_000)

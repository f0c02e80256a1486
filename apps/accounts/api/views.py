"""People, tenants, tokens, and who asks."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import links, services
from apps.accounts.api import filters, serializers
from apps.accounts.choices import Role
from apps.accounts.http import AuthenticatedRequest
from apps.accounts.models import ApiToken, Tenant, User
from apps.accounts.permissions import require_noun
from apps.common.api.views import PortalView, RestrictedViewSet


class MeView(PortalView):
    @extend_schema(responses=serializers.MeSerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        return Response(serializers.MeSerializer(request.user).data)


class TenantViewSet(RestrictedViewSet):
    queryset = Tenant.objects.all()
    serializer_class = serializers.TenantSerializer
    filterset_class = filters.TenantFilters

    @extend_schema(
        request=serializers.NewTenantSerializer, responses={201: serializers.TenantSerializer}
    )
    def create(self, request: AuthenticatedRequest) -> Response:
        require_noun(request.user, "tenant", "manage")
        body = self.read_body(serializers.NewTenantSerializer)
        return _created(self, services.create_tenant(actor=request.user, **body))

    @extend_schema(
        request=serializers.NewTenantSerializer(partial=True),
        responses=serializers.TenantSerializer,
    )
    def partial_update(self, request: AuthenticatedRequest, **_: Any) -> Response:
        tenant = self.row("manage")
        body = self.read_body(serializers.NewTenantSerializer, partial=True)
        edited = services.edit_tenant(actor=request.user, tenant=tenant, **body)
        return Response(self.get_serializer(edited).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: AuthenticatedRequest, **_: Any) -> Response:
        """409 `in-use` while the tenant owns anything; `used_by` names it, `owns` counts it."""
        return self.act(request, "manage", services.delete_tenant)


class UserViewSet(RestrictedViewSet):
    queryset = User.objects.select_related("tenant")
    serializer_class = serializers.UserSerializer
    filterset_class = filters.UserFilters

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # A replay would have to keep the link, and a link is never kept.
        self.replays = self.action != "password_link"
        super().initial(request, *args, **kwargs)

    @extend_schema(
        request=serializers.NewUserSerializer, responses={201: serializers.UserSerializer}
    )
    def create(self, request: AuthenticatedRequest) -> Response:
        require_noun(request.user, "user", "manage")
        body = self.read_body(serializers.NewUserSerializer)
        return _created(self, services.create_user(actor=request.user, **body))

    @extend_schema(
        request=serializers.UserRoleSerializer(partial=True), responses=serializers.UserSerializer
    )
    def partial_update(self, request: AuthenticatedRequest, **_: Any) -> Response:
        """Another role or tenant: every session and token of that person ends."""
        user = self.row("manage")
        body = self.read_body(serializers.UserRoleSerializer, partial=True)
        role = Role(body.get("role", user.role))
        tenant = body.get("tenant", user.tenant if role == Role.TENANT else None)
        return self._shown(
            services.change_role(actor=request.user, user=user, role=role, tenant=tenant)
        )

    @extend_schema(request=None, responses=serializers.UserSerializer)
    @action(detail=True, methods=["post"])
    def deactivate(self, request: AuthenticatedRequest, **_: Any) -> Response:
        """Nobody signs in as that person any more; every session and token ends."""
        return self._shown(services.deactivate_user(actor=request.user, user=self.row("manage")))

    @extend_schema(request=None, responses=serializers.UserSerializer)
    @action(detail=True, methods=["post"])
    def reactivate(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self._shown(services.reactivate_user(actor=request.user, user=self.row("manage")))

    @extend_schema(request=serializers.PasswordSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def password(self, request: AuthenticatedRequest, **_: Any) -> Response:
        """Sets somebody's password; every session of that person ends."""
        return self.act(request, "manage", services.set_password, serializers.PasswordSerializer)

    @extend_schema(request=None, responses={201: serializers.PasswordLinkSerializer})
    @action(detail=True, methods=["post"], url_path="password-link")
    def password_link(self, request: AuthenticatedRequest, **_: Any) -> Response:
        """A link by which its owner sets a password, once."""
        user = self.row("manage")
        link, key = services.issue_password_link(actor=request.user, user=user)
        told = {"url": links.address_of(key), "expires_at": link.expires_at}
        return Response(serializers.PasswordLinkSerializer(told).data, status=201)

    def _shown(self, user: User) -> Response:
        return Response(self.get_serializer(user).data)


class TokenViewSet(RestrictedViewSet):
    """One's own tokens; an HCI admin sees everybody's. The key is in the answer to the POST, and
    nowhere else.
    """

    queryset = ApiToken.objects.select_related("user")
    serializer_class = serializers.TokenSerializer
    filterset_class = filters.TokenFilters
    # A replay would have to keep the key, and a key is never kept.
    replays = False

    @extend_schema(
        request=serializers.NewTokenSerializer, responses={201: serializers.IssuedTokenSerializer}
    )
    def create(self, request: AuthenticatedRequest) -> Response:
        require_noun(request.user, "token", "manage")
        body = self.read_body(serializers.NewTokenSerializer)
        token, key = services.issue_token(actor=request.user, user=request.user, **body)
        token.key = key  # type: ignore[attr-defined]
        row = serializers.IssuedTokenSerializer(token).data
        return Response(row, status=201, headers={"Location": row["url"]})

    def destroy(self, request: AuthenticatedRequest, **kwargs: Any) -> Response:
        services.revoke_token(actor=request.user, token=self.row("manage"))
        return Response(status=204)


def _created(view: RestrictedViewSet, row: Any) -> Response:
    body = view.get_serializer(row).data
    return Response(body, status=201, headers={"Location": body["url"]})

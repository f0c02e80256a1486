"""People, tenants, tokens, and who asks."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api import filters, serializers
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


class UserViewSet(RestrictedViewSet):
    queryset = User.objects.select_related("tenant")
    serializer_class = serializers.UserSerializer
    filterset_class = filters.UserFilters

    @extend_schema(
        request=serializers.NewUserSerializer, responses={201: serializers.UserSerializer}
    )
    def create(self, request: AuthenticatedRequest) -> Response:
        require_noun(request.user, "user", "manage")
        body = self.read_body(serializers.NewUserSerializer)
        return _created(self, services.create_user(actor=request.user, **body))


class TokenViewSet(RestrictedViewSet):
    """One's own tokens. The key is in the answer to the POST, and nowhere else."""

    queryset = ApiToken.objects.all()
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

"""The fabric at the API: the same services and the same restrict() as the pages."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from apps.accounts.http import AuthenticatedRequest
from apps.accounts.permissions import require_noun
from apps.common.api.views import RestrictedViewSet
from apps.fabric import filters, selectors, services
from apps.fabric.api import serializers
from apps.fabric.models import Cluster, HealthFault, Host, VirtualSwitch, Volume
from apps.fabric.preflight import preflight_cluster
from apps.operations.api.serializers import OperationSerializer

ACCEPTED = {202: OperationSerializer}


class ClusterViewSet(RestrictedViewSet):
    queryset = selectors.with_node_counts(Cluster.objects.all())
    serializer_class = serializers.ClusterSerializer
    filterset_class = filters.ClusterFilters

    @extend_schema(
        request=serializers.ClusterBodySerializer, responses={201: serializers.ClusterSerializer}
    )
    def create(self, request: AuthenticatedRequest) -> Response:
        require_noun(request.user, self.noun, "manage")
        body = self.read_body(serializers.ClusterBodySerializer)
        added = services.add_cluster(actor=request.user, **body)
        shown = self._shown(added)
        return Response(shown, status=201, headers={"Location": shown["url"]})

    @extend_schema(
        request=serializers.ClusterBodySerializer(partial=True),
        responses=serializers.ClusterSerializer,
    )
    def partial_update(self, request: AuthenticatedRequest, **_: Any) -> Response:
        cluster = self.row("manage")
        body = self.read_body(serializers.ClusterBodySerializer, partial=True)
        return Response(
            self._shown(services.edit_cluster(actor=request.user, cluster=cluster, **body))
        )

    @extend_schema(responses={204: None})
    def destroy(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self.act(request, "manage", services.remove_cluster)

    @extend_schema(request=None, responses=ACCEPTED)
    @action(detail=True, methods=["post"])
    def refresh(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self.act(request, "refresh", services.refresh_cluster)

    @extend_schema(
        request=serializers.ClusterBodySerializer, responses=serializers.ClusterPreflightSerializer
    )
    @action(detail=False, methods=["post"])
    def preflight(self, request: AuthenticatedRequest) -> Response:
        """Tries the way to a cluster without adding it."""
        require_noun(request.user, self.noun, "manage")
        body = self.read_body(serializers.ClusterBodySerializer)
        return Response(preflight_cluster(actor=request.user, **body).as_dict())

    def _shown(self, cluster: Cluster) -> Any:
        return self.get_serializer(self.get_queryset().get(pk=cluster.pk)).data


class HostViewSet(RestrictedViewSet):
    queryset = Host.objects.select_related("cluster")
    serializer_class = serializers.HostSerializer
    filterset_class = filters.HostFilters

    @extend_schema(request=None, responses=ACCEPTED)
    @action(detail=True, methods=["post"])
    def drain(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self.act(request, "manage", services.drain_host)

    @extend_schema(request=serializers.ResumeSerializer, responses=ACCEPTED)
    @action(detail=True, methods=["post"])
    def resume(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self.act(request, "manage", services.resume_host, serializers.ResumeSerializer)


class VolumeViewSet(RestrictedViewSet):
    queryset = Volume.objects.select_related("cluster")
    serializer_class = serializers.VolumeSerializer
    filterset_class = filters.VolumeFilters


class VirtualSwitchViewSet(RestrictedViewSet):
    queryset = VirtualSwitch.objects.select_related("cluster").prefetch_related("hosts")
    serializer_class = serializers.VirtualSwitchSerializer
    filterset_class = filters.VirtualSwitchFilters


class HealthFaultViewSet(RestrictedViewSet):
    queryset = HealthFault.objects.select_related("cluster")
    serializer_class = serializers.HealthFaultSerializer
    filterset_class = filters.HealthFaultFilters

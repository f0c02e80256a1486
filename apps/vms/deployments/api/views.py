"""deployments/, their preflight and clean-up."""

from typing import Any, cast

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.common.access import require_noun
from apps.common.api.answers import accepted, answer
from apps.common.api.filters import StrictFilterSet
from apps.common.api.views import RestrictedViewSet
from apps.operations.api.serializers import OperationSerializer
from apps.operations.choices import Status
from apps.vms.api.serializers import PlacementSerializer
from apps.vms.deployments import elsewhere, services
from apps.vms.deployments.api.serializers import (
    DeploymentPreflightSerializer,
    DeploymentSerializer,
    PlanSerializer,
    RetrySerializer,
)
from apps.vms.deployments.models import Deployment
from apps.vms.deployments.plans import Plan


class DeploymentFilter(StrictFilterSet):
    search_fields = ("name",)
    ordering_fields = ("name", "created_at", "status")

    cluster = django_filters.UUIDFilter(field_name="cluster_id")
    tenant = django_filters.UUIDFilter(field_name="tenant_id")
    batch = django_filters.UUIDFilter(field_name="batch_id")
    template_disk = django_filters.UUIDFilter(field_name="template_disk_id")
    status = django_filters.MultipleChoiceFilter(
        field_name="operation__status", choices=Status.choices
    )

    class Meta:
        model = Deployment
        fields: list[str] = []


class DeploymentViewSet(RestrictedViewSet):
    queryset = Deployment.objects.select_related(
        "operation", "virtual_machine", "cluster", "host", "volume", "virtual_switch",
        "template_disk", "shielding_data", "iso", "tenant", "batch",
    )  # fmt: skip
    serializer_class = DeploymentSerializer
    filterset_class = DeploymentFilter

    @extend_schema(request=PlanSerializer, responses={202: DeploymentSerializer})
    def create(self, request: Request) -> Response:
        """Asks for a virtual machine; Location is its operation's."""
        deployment = services.deploy(actor=cast(User, request.user), plan=self._plan(request))
        row: Any = DeploymentSerializer(deployment, context=self.get_serializer_context()).data
        return accepted(deployment.operation, request, row)

    @extend_schema(request=PlanSerializer, responses=DeploymentPreflightSerializer)
    @action(detail=False, methods=["post"])
    def preflight(self, request: Request) -> Response:
        """Tries it out: what is right, what isn't, which hosts could take it. Changes nothing."""
        found = services.preflight(actor=cast(User, request.user), plan=self._plan(request))
        return Response(DeploymentPreflightSerializer(found).data)

    @extend_schema(request=None, responses={202: OperationSerializer, 204: None})
    @action(detail=True, methods=["post"], url_path="clean-up")
    def clean_up(self, request: Request, pk: str) -> Response:
        """Removes what a failed one left; 204 where nothing is left."""
        deployment = self.row("delete")
        return answer(
            services.clean_up(actor=cast(User, request.user), deployment=deployment), request
        )

    @extend_schema(responses=PlacementSerializer(many=True))
    @action(
        detail=True, methods=["get"], url_path="placements", filterset_class=None,
        pagination_class=None,
    )  # fmt: skip
    def placements(self, request: Request, pk: str) -> Response:
        """Every other host of its cluster: whether a retry may be made there, and why not."""
        found = elsewhere.placements(self.row("deploy"))
        return Response(PlacementSerializer(found, many=True).data)

    @extend_schema(request=RetrySerializer, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"], url_path="retry")
    def retry(self, request: Request, pk: str) -> Response:
        """The same once more on another host. A retry on its own host is its operation's."""
        deployment = self.row("deploy")
        body = RetrySerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        asked = elsewhere.retry(
            actor=cast(User, request.user), deployment=deployment, host=body.validated_data["host"]
        )
        return answer(asked, request)

    def _plan(self, request: Request) -> Plan:
        require_noun(request.user, "deployment", "deploy")
        body = PlanSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        return body.plan()

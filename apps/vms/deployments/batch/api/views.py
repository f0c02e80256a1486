"""deployments/batch/: many machines at once, their trial, their results as a table."""

from typing import Any, cast

import django_filters
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.common.access import require_noun
from apps.common.api.answers import accepted
from apps.common.api.filters import StrictFilterSet
from apps.common.api.views import RestrictedViewSet
from apps.operations.choices import Status
from apps.vms.deployments.batch import results, services
from apps.vms.deployments.batch.api.serializers import (
    BatchDetailSerializer,
    BatchPlanSerializer,
    BatchPreflightSerializer,
    BatchSerializer,
)
from apps.vms.deployments.batch.planning import Order
from apps.vms.deployments.models import DeploymentBatch


class BatchFilter(StrictFilterSet):
    search_fields = ("title",)
    ordering_fields = ("title", "created_at")

    cluster = django_filters.UUIDFilter(field_name="cluster_id")
    tenant = django_filters.UUIDFilter(field_name="tenant_id")
    status = django_filters.MultipleChoiceFilter(
        field_name="operation__status", choices=Status.choices
    )

    class Meta:
        model = DeploymentBatch
        fields: list[str] = []


class BatchViewSet(RestrictedViewSet):
    queryset = DeploymentBatch.objects.select_related("operation", "cluster", "tenant")
    filterset_class = BatchFilter

    def get_serializer_class(self) -> Any:
        return BatchDetailSerializer if self.action == "retrieve" else BatchSerializer

    @extend_schema(request=BatchPlanSerializer, responses={202: BatchDetailSerializer})
    def create(self, request: Request) -> Response:
        """Asks for up to 100 machines, or for none if a line is wrong; Location is the address of
        the operation that follows them. Its retry does only those that failed.
        """
        batch = services.deploy(actor=cast(User, request.user), order=self._order(request))
        row: Any = BatchDetailSerializer(batch, context=self.get_serializer_context()).data
        return accepted(batch.operation, request, row)

    @extend_schema(request=BatchPlanSerializer, responses=BatchPreflightSerializer)
    @action(detail=False, methods=["post"])
    def preflight(self, request: Request) -> Response:
        """Tries every line out, and says which host it would get. Changes nothing."""
        found = services.preflight(actor=cast(User, request.user), order=self._order(request))
        return Response(BatchPreflightSerializer(found).data)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"])
    def results(self, request: Request, pk: str) -> HttpResponse:
        """Each machine's result as CSV; no cell of it is a formula."""
        return results.response(self.row())

    def _order(self, request: Request) -> Order:
        require_noun(request.user, "deployment", "deploy")
        body = BatchPlanSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        return body.order()

"""Attestation at the API: the same services and the same restrict() as the pages."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from apps.accounts.http import AuthenticatedRequest
from apps.accounts.permissions import require_noun
from apps.attestation import export, filters, services
from apps.attestation.api import serializers
from apps.attestation.models import GuardianService, Verdict, VerdictSpan
from apps.common.api.views import RestrictedViewSet
from apps.common.errors import Invalid
from apps.fabric.models import Host
from apps.operations.api.serializers import OperationSerializer

ACCEPTED = {202: OperationSerializer}


class GuardianServiceViewSet(RestrictedViewSet):
    queryset = GuardianService.objects.prefetch_related("certificates", "verdicts__host")
    serializer_class = serializers.GuardianServiceSerializer
    filterset_class = filters.GuardianServiceFilters

    @extend_schema(
        request=serializers.GuardianServiceBodySerializer,
        responses={201: serializers.GuardianServiceSerializer},
    )
    def create(self, request: AuthenticatedRequest) -> Response:
        require_noun(request.user, self.noun, "manage")
        body = self.read_body(serializers.GuardianServiceBodySerializer)
        added = services.add_guardian_service(actor=request.user, **body)
        shown = self._shown(added)
        return Response(shown, status=201, headers={"Location": shown["url"]})

    @extend_schema(
        request=serializers.GuardianServiceBodySerializer(partial=True),
        responses=serializers.GuardianServiceSerializer,
    )
    def partial_update(self, request: AuthenticatedRequest, **_: Any) -> Response:
        service = self.row("manage")
        body = self.read_body(serializers.GuardianServiceBodySerializer, partial=True)
        changed = services.edit_guardian_service(
            actor=request.user, guardian_service=service, **body
        )
        return Response(self._shown(changed))

    @extend_schema(responses={204: None})
    def destroy(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self.act(request, "manage", services.remove_guardian_service)

    @extend_schema(request=None, responses=ACCEPTED)
    @action(detail=True, methods=["post"])
    def refresh(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self.act(request, "refresh", services.refresh_guardian_service)

    @extend_schema(responses=serializers.MetadataSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def metadata(self, request: AuthenticatedRequest, **_: Any) -> Response:
        """The guardian's metadata.xml as it was fetched, and whose certificates it names."""
        service = self.row()
        shown = {
            "url": f"{service.url}/KeyProtection/service/metadata/2014-07/metadata.xml",
            "document": service.metadata,
            "verified": service.metadata_verified,
            "problem": service.metadata_problem or service.problem,
            "certificates": service.certificates.all(),
            "fetched_at": service.observed_at,
        }
        return Response(serializers.MetadataSerializer(shown).data)

    def _shown(self, service: GuardianService) -> Any:
        return self.get_serializer(self.get_queryset().get(pk=service.pk)).data


class VerdictViewSet(RestrictedViewSet):
    queryset = Verdict.objects.select_related("host__cluster", "guardian_service")
    serializer_class = serializers.VerdictSerializer
    filterset_class = filters.VerdictFilters


class HistoryViewSet(RestrictedViewSet):
    queryset = VerdictSpan.objects.all()
    serializer_class = serializers.SpanSerializer
    filterset_class = filters.HistoryFilters

    @extend_schema(
        parameters=[OpenApiParameter("format", enum=list(export.FORMATS), required=True)],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    @action(detail=False, methods=["get"], pagination_class=None)
    def export(self, request: AuthenticatedRequest) -> StreamingHttpResponse:
        """All spans that the filters let through, as a file."""
        require_noun(request.user, self.noun, "export")
        asked = request.query_params.get("format", "csv")
        if asked not in export.FORMATS:
            raise Invalid.field("format", f"It has to be one of {', '.join(export.FORMATS)}.")
        spans = self.filter_queryset(self.get_queryset()).iterator(chunk_size=export.CHUNK)
        return export.response(request._request, spans, asked)


class HostAttestationViewSet(RestrictedViewSet):
    """What attestation adds to the rows of hosts."""

    queryset = Host.objects.select_related("cluster")
    serializer_class = OperationSerializer

    @extend_schema(request=serializers.GuardSerializer, responses=ACCEPTED)
    def guard(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self.act(request, "manage", services.guard_host, serializers.GuardSerializer)

    @extend_schema(request=None, responses=ACCEPTED)
    def diagnose(self, request: AuthenticatedRequest, **_: Any) -> Response:
        return self.act(request, "manage", services.diagnose_host)

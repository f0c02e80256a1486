"""The library at the API. Uploads are only read here; their protocol is in apps.library.tus."""

from typing import Any

from django.http import HttpResponseRedirect
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.http import AuthenticatedRequest
from apps.common.api.answers import answer
from apps.common.api.views import RestrictedViewSet
from apps.library import items, scrub, selectors, services
from apps.library.api import filters, serializers
from apps.operations.api.serializers import OperationSerializer


class UploadViewSet(RestrictedViewSet):
    queryset = selectors.uploads()
    serializer_class = serializers.UploadSerializer
    filterset_class = filters.UploadFilters

    @extend_schema(request=None, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"], url_path="verify")
    def verify(self, request: AuthenticatedRequest, **_: Any) -> Response:
        """Has the stored file read again: whether its SHA-256 still is the one that arrived."""
        return answer(scrub.ask(actor=request.user, subject=self.row("delete")), request)


class _Anything(BaseContentNegotiation):
    """A file is what it is, whatever the client would rather have."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


class _ItemViewSet(RestrictedViewSet):
    @extend_schema(responses={204: None})
    def destroy(self, request: AuthenticatedRequest, **_: Any) -> Response:
        services.delete(actor=request.user, item=self.row("delete"))
        return Response(status=204)

    @extend_schema(responses={302: None})
    @action(
        detail=True, methods=["get"], content_negotiation_class=_Anything,
        filterset_class=None, pagination_class=None,
    )  # fmt: skip
    def content(self, request: AuthenticatedRequest, **_: Any) -> HttpResponseBase:
        """Leads to the file itself, for its tenant alone: an address that opens for two minutes."""
        item = self.row("content")
        return HttpResponseRedirect(items.owners_address(actor=request.user, item=item))

    @extend_schema(request=None, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"], url_path="inspect")
    def inspect(self, request: AuthenticatedRequest, **_: Any) -> Response:
        """Has a host look into the file once more."""
        # whoever may delete the row may have it looked at: its tenant, and an HCI admin
        item = self.row("delete")
        return answer(services.inspect_again(actor=request.user, item=item), request)

    @extend_schema(request=None, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"], url_path="verify")
    def verify(self, request: AuthenticatedRequest, **_: Any) -> Response:
        """Has the stored file read again: whether its SHA-256 still is the one that arrived."""
        item = self.row("delete")
        return answer(scrub.ask(actor=request.user, subject=item), request)


class TemplateDiskViewSet(_ItemViewSet):
    queryset = selectors.template_disks()
    serializer_class = serializers.TemplateDiskSerializer
    filterset_class = filters.TemplateDiskFilters


class ShieldingDataViewSet(_ItemViewSet):
    queryset = selectors.shielding_data()
    serializer_class = serializers.ShieldingDataSerializer
    filterset_class = filters.ShieldingDataFilters


class PairViewSet(RestrictedViewSet):
    queryset = selectors.pairs()
    serializer_class = serializers.PairSerializer
    filterset_class = filters.PairFilters

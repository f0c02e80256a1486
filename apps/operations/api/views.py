"""Operations over the API: lists, one, what happened in it, cancel, retry."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.common.api.filters import clean_query
from apps.common.api.views import RestrictedViewSet
from apps.common.errors import Invalid
from apps.operations import services
from apps.operations.api.filters import OperationFilter
from apps.operations.api.serializers import EventSerializer, OperationSerializer
from apps.operations.models import Operation, OperationEvent

LAST_NUMBER = 2**31 - 1


class OperationViewSet(RestrictedViewSet):
    queryset = Operation.objects.select_related("actor", "tenant", "retry_of")
    serializer_class = OperationSerializer
    filterset_class = OperationFilter

    @extend_schema(request=None, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Asks it to stop; 409 where it has ended."""
        return self.act(request, "cancel", services.cancel)

    @extend_schema(request=None, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """The same again as a new operation; 409 unless it failed, errored or was cancelled."""
        return self.act(request, "retry", services.retry)

    @extend_schema(
        parameters=[OpenApiParameter("after", int, description="events after this number")],
        responses=EventSerializer(many=True),
    )
    @action(detail=True, methods=["get"], filterset_class=None)
    def events(self, request: Request, pk: str) -> Response:
        """What happened in it, in order, after the event with the number `after`."""
        operation = self.row()
        after = _number(clean_query(request.query_params).get("after", "0"))
        rows = OperationEvent.objects.filter(operation=operation, seq__gt=after)
        page = self.paginate_queryset(rows.order_by("seq"))
        return self.get_paginated_response(EventSerializer(page, many=True).data)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:20]) > LAST_NUMBER:
        raise Invalid.field("after", "It has to be the number of an event, 0 or more.")
    return int(text)

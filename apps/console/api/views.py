"""Asking for a console: a one-use address, or the reason why it stays closed."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from apps.accounts.http import AuthenticatedRequest
from apps.common.access import missing
from apps.common.api.fields import MomentField
from apps.common.api.views import PortalView
from apps.console import services
from apps.vms import selectors


class OpeningSerializer(serializers.Serializer):
    url = serializers.CharField()
    expires_at = MomentField()


class ConsoleView(PortalView):
    @extend_schema(request=None, responses={201: OpeningSerializer})
    def post(self, request: AuthenticatedRequest, pk: str, **_: Any) -> Response:
        try:
            vm = selectors.listed(request.user).filter(pk=pk).first()
        except (ValueError, TypeError):
            vm = None
        if vm is None:
            raise missing("vm")
        opening = services.open_console(actor=request.user, vm=vm)
        return Response(OpeningSerializer(opening).data, status=201)

"""The OpenAPI document, made once a process: it is the same for everybody."""

import json
from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from apps.common.api.views import PortalView


@cache
def document() -> dict[str, Any]:
    return SchemaGenerator().get_schema(request=None, public=True)


@cache
def _encoded() -> bytes:
    return json.dumps(document(), default=str).encode()


class SchemaView(PortalView):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(_encoded(), content_type="application/json")

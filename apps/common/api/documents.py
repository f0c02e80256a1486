"""The OpenAPI document, for programs and for people. Made once a process: it is everybody's."""

import json
from functools import cache
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.renderers import StaticHTMLRenderer
from rest_framework.request import Request

from apps.common.api.views import PortalView


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


@cache
def _encoded() -> bytes:
    return json.dumps(document(), default=str).encode()


class SchemaView(PortalView):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(_encoded(), content_type="application/json")


class DocsView(PortalView):
    """The same as a page. A browser that isn't signed in is led to the form."""

    permission_classes = (AllowAny,)
    renderer_classes = (StaticHTMLRenderer, *PortalView.renderer_classes)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        if not request.user.is_authenticated:
            if "text/html" in request.headers.get("Accept", ""):
                return redirect_to_login(request.get_full_path())
            raise NotAuthenticated
        context = {"groups": grouped(document()), "info": document()["info"]}
        return render(request._request, "common/api_docs.html", context)


def grouped(schema: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """(first part of the path, [{method, path, summary, parameters, fields}]), by that part."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        name = path.removeprefix("/api/v1/").split("/")[0]
        for method, found in methods.items():
            groups.setdefault(name, []).append(_told(schema, path, method, found))
    return sorted(groups.items())


def _told(schema: dict[str, Any], path: str, method: str, found: dict[str, Any]) -> dict[str, Any]:
    queries = [one["name"] for one in found.get("parameters", ()) if one["in"] == "query"]
    return {
        "method": method.upper(),
        "path": path,
        "summary": found.get("summary") or found.get("description", ""),
        "parameters": queries,
        "fields": _fields(schema, found.get("requestBody")),
    }


def _fields(schema: dict[str, Any], body: dict[str, Any] | None) -> list[str]:
    """Names of the body's fields; those that may be left out end in a question mark."""
    content = (body or {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = content.get("$ref", "").rsplit("/", 1)[-1]
    found = schema.get("components", {}).get("schemas", {}).get(name, content)
    required = set(found.get("required", ()))
    return [field + ("" if field in required else "?") for field in found.get("properties", {})]

"""Pages that belong to no room: what problems mean, what went wrong, whether the portal is well."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.common import problems
from apps.common.errors import Forbidden, Invalid, NotFound, PortalError, TooLarge


class Internal(PortalError):
    slug, status = "internal", 500


def wants_document(request: HttpRequest) -> bool:
    """Whether the answer is for a program: the API, and what machines ask."""
    return request.path.startswith(("/api/", "/health/", "/metrics/"))


def problem_answer(request: HttpRequest, error: PortalError) -> HttpResponse:
    """The error as this client wants it: a problem document, or a page."""
    if wants_document(request):
        return problems.response(error, request)
    context = {"error": error, "problem": problems.CATALOGUE[error.slug], "slug": error.slug}
    answer = render(request, "common/problem.html", context, status=error.status)
    for name, value in problems.headers(error).items():
        answer.headers[name] = value
    return answer


@require_safe
def problem_page(request: HttpRequest, slug: str) -> HttpResponse:
    """What a type of problem means; the address that problem documents carry as their type."""
    problem = problems.CATALOGUE.get(slug)
    if problem is None:
        return problem_answer(request, NotFound("There is no such type of problem."))
    return render(request, "common/problem_type.html", {"problem": problem, "slug": slug})


@login_required
@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    """The API's addresses for people, from the same document that programs read."""
    from apps.common.api.documents import document  # the views that it reads import this module

    context = {"groups": _grouped(document()), "info": document()["info"]}
    return render(request, "common/api_docs.html", context)


def _grouped(schema: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """(first part of the path, [{method, path, summary, parameters, fields}]) in the schema's
    order.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        name = path.removeprefix("/api/v1/").split("/")[0]
        for method, found in methods.items():
            groups.setdefault(name, []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "summary": found.get("summary") or found.get("description", ""),
                    "parameters": [
                        one["name"] for one in found.get("parameters", ()) if one["in"] == "query"
                    ],
                    "fields": _fields(schema, found.get("requestBody")),
                }
            )
    return sorted(groups.items())


def _fields(schema: dict[str, Any], body: dict[str, Any] | None) -> list[str]:
    content = (body or {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = content.get("$ref", "").rsplit("/", 1)[-1]
    found = schema.get("components", {}).get("schemas", {}).get(name, content)
    required = set(found.get("required", ()))
    return [field + ("" if field in required else "?") for field in found.get("properties", {})]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return problem_answer(request, TooLarge("The request is larger than 1 MiB."))
    return problem_answer(request, Invalid("The request can't be understood."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_answer(request, Forbidden("You may not do this."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem_answer(request, NotFound("There is nothing at this address."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    hint = "Load the page again and send the form once more."
    return problem_answer(request, Forbidden("The form's CSRF token is missing or old.", hint=hint))


def server_error(request: HttpRequest) -> HttpResponse:
    """The last resort: nothing in here may fail, so no template is asked for."""
    if wants_document(request):
        return problems.response(Internal("The portal met a fault of its own."), request)
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Fabric Portal</title>'
        "</head><body><main><h1>Something went wrong in the portal</h1><p>It is in the log. "
        '<a href="/">Back to the overview</a></p></main></body></html>'
    )
    return HttpResponse(body, status=500)

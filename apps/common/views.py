"""Pages that belong to no room: what problems mean, what went wrong, whether the portal is well."""

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

"""Pages of deployments: the list, the form with its preflight, one deployment."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.permissions import holds, missing, require_noun
from apps.common.api.filters import clean_query
from apps.common.errors import Invalid, PortalError
from apps.common.htmx import is_partial
from apps.fabric.models import Host
from apps.operations import services as operations
from apps.operations.choices import Status
from apps.vms.deployments import checks, choosing, elsewhere, pages, services
from apps.vms.deployments.api.views import DeploymentFilter
from apps.vms.deployments.forms import (
    BLANK,
    SHIELDED,
    DeploymentForm,
    places_of,
    uuid_or_none,
    with_volume,
)
from apps.vms.deployments.models import Deployment

A_PAGE = 50


@login_required
@require_safe
def deployments(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Every deployment, newest first; the same filters as the API's."""
    require_noun(request.user, "deployment", "view")
    rows, problem = pages.visible(request.user), ""
    query = _without_blanks(request)
    try:
        rows = DeploymentFilter(query, rows, request=request).rows()
    except Invalid as error:
        problem, rows = error.detail, rows.none()
    context = {
        "section": "vms",
        "page": Paginator(rows, A_PAGE).get_page(request.GET.get("page")),
        "problem": problem,
        "query": query,
        "statuses": Status.choices,
        "may_deploy": holds(request.user, "deployment", "deploy"),
        "may_see_hosts": holds(request.user, "host", "view"),
    }
    part = is_partial(request)
    return render(request, f"deployments/{'_table' if part else 'deployment_list'}.html", context)


def _without_blanks(request: AuthenticatedHttpRequest) -> Any:
    """A form sends its empty fields too; those filter nothing."""
    query = clean_query(request.GET).copy()
    for name in list(query):
        if name == "page" or not any(query.getlist(name)):
            del query[name]
    return query


def _one(request: AuthenticatedHttpRequest, pk: UUID) -> Deployment:
    found: Deployment | None = pages.visible(request.user).filter(pk=pk).first()
    if found is None:
        raise missing("deployment")
    return found


@login_required
@require_safe
def deployment(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """Its steps live, how it failed and the way out, what it left."""
    part = is_partial(request)
    template = f"deployments/{'_deployment' if part else 'deployment_detail'}.html"
    return render(request, template, pages.detail(request.user, _one(request, pk)))


@login_required
@require_safe
def row(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """One row of the list, read again when it was nudged."""
    context = {
        "deployment": _one(request, pk), "may_see_hosts": holds(request.user, "host", "view")
    }  # fmt: skip
    return render(request, "deployments/_row.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The form; a POST asks for the deployment and leads to its page."""
    require_noun(request.user, "deployment", "deploy")
    if request.method != "POST":
        given = choosing.given(request)
        form = DeploymentForm(user=request.user, initial=given)
        return _form(request, form, DeploymentForm(given, user=request.user), 200)
    form = DeploymentForm(request.POST, user=request.user)
    if form.is_valid():
        try:
            made = services.deploy(actor=request.user, plan=form.plan())
            return redirect(reverse("deployments:detail", args=[made.pk]))
        except PortalError as error:
            form.refuse(error)
    return _form(request, form, form, 422)


def _form(
    request: AuthenticatedHttpRequest, form: DeploymentForm, filled: DeploymentForm, status: int
) -> HttpResponse:
    context = _form_context(form, filled) | {"section": "vms"}
    return render(request, "deployments/deployment_form.html", context, status=status)


def _form_context(form: DeploymentForm, filled: DeploymentForm) -> dict[str, Any]:
    filled.is_valid()
    places, chosen = places_of(filled.draft())
    kind = form.kind_now
    run = pages.scripts_of(
        guarded=kind == SHIELDED,
        copies=kind != BLANK or bool(filled["iso"].value()),
        starts=bool(filled["start"].value()),
    )
    return {
        "form": form,
        "kind": kind,
        "pair": form.chosen_pair,
        "placements": places,
        "chosen": chosen,
        "allowed": sum(place.allowed for place in places),
        "run": run,
        "lines": pages.lines_of_form(filled),
    }


@login_required
@require_POST
def fields(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The form's fields anew, after its kind, cluster or pair was changed. Changes nothing."""
    require_noun(request.user, "deployment", "deploy")
    given = with_volume(request.POST.dict() | {"start": "start" in request.POST})
    filled = DeploymentForm(given, user=request.user)
    form = DeploymentForm(user=request.user, initial=given)
    answer = render(request, "deployments/_fields_answer.html", _form_context(form, filled))
    answer.headers["HX-Trigger"] = "fabric:deploy-fields"
    return answer


@login_required
@require_POST
def preflight(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The lines of a preflight and the hosts. Changes nothing.

    Without `ask` at once what the portal knows, with a line that asks again: by `ask` the host.
    """
    require_noun(request.user, "deployment", "deploy")
    form = DeploymentForm(request.POST, user=request.user)
    context: dict[str, Any] = {"ask": False, "ok": False}
    if not form.is_valid():
        places, chosen = places_of(form.draft())
        context |= {"lines": pages.lines_of_form(form)}
    else:
        plan = form.plan()
        places, chosen = places_of(plan)
        try:
            context |= _tried(request, plan, places, chosen)
        except PortalError as error:
            words = [one.message for one in error.errors] or [error.detail]
            context["lines"] = [pages.Line(text, ok=False, fix=error.hint) for text in words]
    context |= {"placements": places, "chosen": chosen}
    context["allowed"] = sum(place.allowed for place in places)
    context["passed"] = sum(line.ok is True for line in context["lines"])
    return render(request, "deployments/_preflight.html", context)


def _tried(
    request: AuthenticatedHttpRequest, plan: Any, places: Any, chosen: Any
) -> dict[str, Any]:
    if "ask" in request.POST:
        found = services.preflight(actor=request.user, plan=plan)
        return {"lines": found.checks, "ok": found.ok}
    host = next((place.host.name for place in places if place.host.pk == chosen), "")
    lines = pages.asking(plan, checks.of_request(plan), host)
    return {"lines": lines, "ask": True}


@login_required
@require_POST
def cancel(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    found = _one(request, pk)
    operations.cancel(actor=request.user, operation=_operation(found))
    return redirect("deployments:detail", pk)


@login_required
@require_POST
def retry(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """The same once more; its page then shows the new try."""
    operations.retry(actor=request.user, operation=_operation(_one(request, pk)))
    return redirect("deployments:detail", pk)


@login_required
@require_POST
def retry_elsewhere(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """The same once more, on the host that was chosen."""
    found = _one(request, pk)
    rows = Host.objects.filter(cluster=found.cluster_id)
    chosen = uuid_or_none(request.POST.get("host", ""))
    host = rows.filter(pk=chosen).first() if chosen else None
    if host is None:
        raise Invalid.field("host", f"Choose a host of {found.cluster.name}.")
    elsewhere.retry(actor=request.user, deployment=found, host=host)
    return redirect("deployments:detail", pk)


def _operation(found: Deployment) -> Any:
    if found.operation is None:
        raise missing("operation")
    return found.operation


@login_required
@require_POST
def clean_up(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    services.clean_up(actor=request.user, deployment=_one(request, pk))
    return redirect("deployments:detail", pk)

"""One cluster: its page, and adding, editing, refreshing and removing one."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.permissions import holds, missing, require, require_noun
from apps.common.errors import PortalError
from apps.common.htmx import is_partial
from apps.fabric import attention, pages, services
from apps.fabric.forms import ClusterForm
from apps.fabric.models import Cluster
from apps.fabric.preflight import Preflight, preflight_cluster
from apps.fabric.views.overview import overview_context


def one(request: AuthenticatedHttpRequest, pk: UUID) -> Cluster:
    """A cluster that the person may see, as pages show it. Raises NotFound."""
    found = next((row for row in pages.clusters(request.user) if row.pk == pk), None)
    if found is None:
        raise missing("cluster")
    return found


@login_required
@require_safe
def cluster(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    template = "fabric/_cluster.html" if is_partial(request) else "fabric/cluster_detail.html"
    return render(request, template, _context(request, one(request, pk)))


def _context(request: AuthenticatedHttpRequest, row: Cluster) -> dict[str, Any]:
    user: Any = request.user
    return {
        "section": "clusters",
        "cluster": row,
        "hosts": pages.hosts(row.hosts.restrict(user).select_related("cluster").order_by("name")),
        "volumes": row.volumes.restrict(user).order_by("name"),
        "switches": row.virtual_switches.restrict(user).prefetch_related("hosts"),
        "attention": attention.for_user(user, row),
        "may_manage": holds(user, "cluster", "manage"),
        "may_deploy": holds(user, "deployment", "deploy"),
    }


@login_required
@require_http_methods(["GET", "POST"])
def add(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The pane: `check` tries the way in, anything else adds the cluster."""
    require_noun(request.user, "cluster", "manage")
    form = ClusterForm(request.POST or None)
    tried: Preflight | None = None
    if request.method == "POST" and form.is_valid():
        try:
            if "check" in request.POST:
                tried = preflight_cluster(actor=request.user, **form.given())
            else:
                added = services.add_cluster(actor=request.user, **form.given())
                return _go(request, reverse("fabric:cluster", args=[added.pk]))
        except PortalError as error:
            form.refuse(error)
    context = {"form": form, "tried": tried, "action": reverse("fabric:cluster_add")}
    return _pane(request, context, overview_context, "fabric/overview.html")


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    row = one(request, pk)
    require(request.user, "manage", row)
    form = ClusterForm(request.POST or None, cluster=row)
    if request.method == "POST" and form.is_valid():
        given = form.given()
        for secret in ("password", "client_key"):
            given[secret] = given[secret] or None
        try:
            services.edit_cluster(actor=request.user, cluster=row, **given)
            return _go(request, reverse("fabric:cluster", args=[pk]))
        except PortalError as error:
            form.refuse(error)
    context = {"form": form, "edited": row, "action": reverse("fabric:cluster_edit", args=[pk])}
    return _pane(
        request, context, lambda request: _context(request, row), "fabric/cluster_detail.html"
    )


@login_required
@require_POST
def refresh(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    services.refresh_cluster(actor=request.user, cluster=one(request, pk))
    return redirect("fabric:cluster", pk)


@login_required
@require_POST
def remove(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    services.remove_cluster(actor=request.user, cluster=one(request, pk))
    return redirect("fabric:overview")


def _pane(
    request: AuthenticatedHttpRequest, context: dict[str, Any], below: Any, page: str
) -> HttpResponse:
    """The pane alone for htmx, else its page with the pane open."""
    form = context["form"]
    status = 422 if form.is_bound and form.errors else 200
    if is_partial(request):
        return render(request, "fabric/_cluster_form.html", context, status=status)
    whole = below(request) | context | {"pane": "fabric/_cluster_form.html"}
    return render(request, page, whole, status=status)


def _go(request: AuthenticatedHttpRequest, address: str) -> HttpResponse:
    if is_partial(request):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)

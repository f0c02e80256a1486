"""Tenants and quotas."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import holdings, services
from apps.accounts.api.filters import TenantFilters
from apps.accounts.forms import TenantForm
from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.models import Tenant, User
from apps.accounts.permissions import holds, missing, require, require_noun
from apps.accounts.views.ways import A_PAGE, filled, frame, go, pane
from apps.common.errors import PortalError
from apps.common.htmx import is_partial

LIST, ONE = "accounts/tenant_list.html", "accounts/tenant_detail.html"
FORM = "accounts/_tenant_form.html"


@login_required
@require_safe
def tenant_list(request: AuthenticatedHttpRequest) -> HttpResponse:
    require_noun(request.user, "tenant", "view")
    if is_partial(request):
        return render(request, "accounts/_tenants.html", _rows(request))
    return render(request, LIST, _list(request))


def _list(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    may = {"may_manage": holds(request.user, "tenant", "manage")}
    return frame(request.user) | _rows(request) | may


def _rows(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    query = filled(request)
    filters = TenantFilters(query, Tenant.objects.restrict(request.user), request=request)
    page = Paginator(filters.rows(), A_PAGE).get_page(request.GET.get("page"))
    _with_usage(list(page))
    return {"page": page, "query": query, "ordering": query.get("ordering", "name")}


def _with_usage(tenants: list[Any]) -> None:
    """Gives each `used` (vms, bytes) and `people`: a number of queries that no row adds to."""
    ids = [tenant.pk for tenant in tenants]
    used, people = holdings.used(ids), holdings.people(ids)
    for tenant in tenants:
        tenant.used = {name: values.get(tenant.pk, 0) for name, values in used.items()}
        tenant.people = people.get(tenant.pk, 0)


def _tenant(request: AuthenticatedHttpRequest, pk: UUID) -> Tenant:
    found = Tenant.objects.restrict(request.user).filter(pk=pk).first()
    if found is None:
        raise missing("tenant")
    return found


@login_required
@require_safe
def tenant_detail(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    return render(request, ONE, _one(request, _tenant(request, pk)))


def _one(request: AuthenticatedHttpRequest, tenant: Tenant) -> dict[str, Any]:
    _with_usage([tenant])
    owned = holdings.of(tenant)
    return frame(request.user) | {
        "tenant": tenant,
        "owned": owned,
        "sees_user": holds(request.user, "user", "view"),
        "may_manage": holds(request.user, "tenant", "manage"),
        "why_kept": f"It still has {', '.join(one.words for one in owned)}." if owned else "",
        "users": User.objects.restrict(request.user).filter(tenant=tenant)[: holdings.NAMED],
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tenant_add(request: AuthenticatedHttpRequest) -> HttpResponse:
    require_noun(request.user, "tenant", "manage")
    form = TenantForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = services.create_tenant(actor=request.user, **form.cleaned_data)
            return go(request, reverse("accounts:tenant", args=[added.pk]))
        except PortalError as error:
            form.refuse(error)
    context = {"form": form, "action": reverse("accounts:tenant_add")}
    return pane(request, FORM, context, lambda: _list(request), LIST)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tenant_edit(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    tenant = _tenant(request, pk)
    require(request.user, "manage", tenant)
    form = TenantForm(request.POST or None, tenant=tenant)
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_tenant(actor=request.user, tenant=tenant, **form.cleaned_data)
            return go(request, reverse("accounts:tenant", args=[pk]))
        except PortalError as error:
            form.refuse(error)
    context = {"form": form, "edited": tenant, "action": reverse("accounts:tenant_edit", args=[pk])}
    return pane(request, FORM, context, lambda: _one(request, tenant), ONE)


@login_required
@require_POST
def tenant_delete(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    tenant = _tenant(request, pk)
    services.delete_tenant(actor=request.user, tenant=tenant)
    messages.success(request, f"Deleted {tenant.name}.")
    return redirect("accounts:tenants")

"""The grid of virtual machines, and one row of it."""

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.permissions import holds, missing, require_noun
from apps.common.api.filters import clean_query
from apps.common.errors import Invalid
from apps.common.htmx import is_partial
from apps.common.navigation import came_from
from apps.vms import columns, details_strip, grid_pages, selectors
from apps.vms.api.filters import VirtualMachineFilters
from apps.vms.census import census_of
from apps.vms.commands import commands_for, doing
from apps.vms.models import VirtualMachine

MOST_CHOSEN = 200


@login_required
@require_GET
def virtual_machines(request: AuthenticatedHttpRequest) -> HttpResponse:
    require_noun(request.user, "vm", "view")
    context = grid_context(request)
    part = is_partial(request)
    return render(request, "vms/_grid.html" if part else "vms/virtual_machine_list.html", context)


def grid_context(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    """Rows, filters and counts of the grid, in a number of queries that no row adds to."""
    user, problem = request.user, ""
    left_out = columns.hidden(user)
    listed = VirtualMachine.objects.restrict(user, "view")
    census = census_of(user)
    tenants: Any = SimpleLazyObject(selectors.tenant_names)
    try:
        filters = VirtualMachineFilters(
            data=clean_query(request.GET), queryset=listed, request=request
        )
        page = grid_pages.Pages(filters, census, tenants).page(request.GET.get("page"))
    except Invalid as error:
        problem, page = error.detail, grid_pages.EMPTY
    page = Page(selectors.in_grid(user, list(page)), page.number, page.paginator)
    attach_active(page)
    return {
        "page": page,
        "problem": problem,
        "hidden": left_out,
        "columns": [column for column in columns.COLUMNS if column[0] not in left_out],
        "all_columns": columns.COLUMNS,
        "ordering": request.GET.get("ordering", "name"),
        "query": request.GET,
        "section": "vms",
        "tools_name": "Virtual machines",
        # Asked by the menus, which an answer with the rows alone doesn't hold.
        "facets": SimpleLazyObject(lambda: census.facets(tenants.items())),
        "may_see_hosts": holds(request.user, "host", "view"),
        "may_deploy": holds(request.user, "deployment", "deploy"),
        "commands": commands_for(request.user, []),
    }


@login_required
@require_GET
def commands(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The command bar for the rows that are selected: `id`, many times."""
    require_noun(request.user, "vm", "view")
    ids = [one for one in map(uuid_or_none, request.GET.getlist("id")) if one]
    rows = list(selectors.listed(request.user).filter(pk__in=ids)[:MOST_CHOSEN])
    names = rows[0].name if len(rows) == 1 else f"{len(rows)} virtual machines"
    context = {
        "commands": commands_for(request.user, rows),
        "chosen": len(rows),
        "names": names,
        "may_deploy": holds(request.user, "deployment", "deploy"),
        "details": details_strip.of(rows),
    }
    return render(request, "vms/_chosen.html", context)


def uuid_or_none(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None


def attach_active(page: "Page[VirtualMachine] | list[VirtualMachine]") -> None:
    """Gives every row its operation under way, by one query for all."""
    rows = list(page)
    active = selectors.active_operations([vm.pk for vm in rows])
    for vm in rows:
        vm.active_operation = active.get(vm.pk)
        vm.doing = doing(vm.active_operation) if vm.active_operation else ""


def one(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> VirtualMachine:
    """A row that the user may see, with what is under way. Raises NotFound."""
    vm = selectors.listed(request.user).filter(pk=pk).first()
    if vm is None:
        raise missing("vm")
    attach_active([vm])
    return vm


@login_required
@require_GET
def row(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What a nudge makes a page read again. A row that is gone answers with nothing to show."""
    require_noun(request.user, "vm", "view")
    vm = selectors.listed(request.user).filter(pk=pk).first()
    if vm is None:
        return HttpResponse("")
    attach_active([vm])
    context = {
        "vm": vm,
        "hidden": columns.hidden(request.user),
        "may_see_hosts": holds(request.user, "host", "view"),
    }
    return render(request, "vms/_row.html", context)


@login_required
@require_POST
def choose_columns(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Which columns the person sees from now on, on any device; then back to where that was."""
    require_noun(request.user, "vm", "view")
    columns.choose(request.user, request.POST.getlist("column"))
    return redirect(came_from(request, reverse("vms:list")))

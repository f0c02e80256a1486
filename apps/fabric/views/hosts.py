"""Hosts as a table and one by one, and the volumes of all clusters."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.permissions import holds, missing, require_noun
from apps.common.api.filters import clean_query
from apps.common.errors import Invalid
from apps.common.htmx import is_partial
from apps.fabric import extensions, pages, services
from apps.fabric.choices import DrainState, HostState
from apps.fabric.filters import HostFilters, VolumeFilters
from apps.fabric.models import Cluster, Host, Volume

A_PAGE = 100
HOST_COLUMNS = (
    ("name", "Name", ""),
    ("state", "State", ""),
    ("", "Attestation", ""),
    ("memory_available_bytes", "Memory", ""),
    ("", "Virtual machines", ""),
    ("cluster", "Cluster", ""),
    ("", "Up for", "num grid__c2"),
    ("", "System", "grid__c2"),
    ("observed_at", "Read", ""),
)
VOLUME_COLUMNS = (
    ("name", "Name", ""),
    ("cluster", "Cluster", ""),
    ("", "State", ""),
    ("size_bytes", "Size", "num"),
    ("free_bytes", "Free", "num"),
    ("", "Owner", "grid__c2"),
    ("observed_at", "Read", ""),
)


def _without_blanks(request: AuthenticatedHttpRequest) -> Any:
    """A form sends its empty fields too; those filter nothing."""
    query = request.GET.copy()
    for name in list(query):
        if not any(query.getlist(name)):
            del query[name]
    return clean_query(query)


def _table(request: AuthenticatedHttpRequest, filters: Any, rows: Any) -> dict[str, Any]:
    """A page of rows, and the problem with a filter that can't be used."""
    problem = ""
    try:
        found = filters(_without_blanks(request), rows, request=request).rows()
    except Invalid as error:
        problem, found = error.detail, rows.none()
    return {
        "section": "clusters",
        "page": Paginator(found, A_PAGE).get_page(request.GET.get("page")),
        "problem": problem,
        "query": request.GET,
        "ordering": request.GET.get("ordering", "name"),
        "clusters": Cluster.objects.restrict(request.user).values_list("name", "name"),
    }


@login_required
@require_safe
def hosts(request: AuthenticatedHttpRequest) -> HttpResponse:
    require_noun(request.user, "host", "view")
    rows = Host.objects.restrict(request.user).select_related("cluster").order_by("name")
    context = _table(request, HostFilters, rows)
    context |= {
        "rows": pages.hosts(context["page"]),
        "columns": HOST_COLUMNS,
        "states": HostState.choices,
    }
    part = is_partial(request)
    return render(request, f"fabric/{'_hosts' if part else 'host_list'}.html", context)


@login_required
@require_safe
def volumes(request: AuthenticatedHttpRequest) -> HttpResponse:
    require_noun(request.user, "volume", "view")
    rows = Volume.objects.restrict(request.user).select_related("cluster").order_by("name")
    context = _table(request, VolumeFilters, rows) | {"columns": VOLUME_COLUMNS}
    part = is_partial(request)
    return render(request, f"fabric/{'_volumes' if part else 'volume_list'}.html", context)


def one(request: AuthenticatedHttpRequest, pk: UUID) -> Host:
    """A host that the person may see, as pages show it. Raises NotFound."""
    rows = Host.objects.restrict(request.user).select_related("cluster").filter(pk=pk)
    found = pages.hosts(rows)
    if not found:
        raise missing("host")
    return found[0]


@login_required
@require_safe
def host(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    row = one(request, pk)
    details = extensions.host_extras([pk], "attestation_details")
    context = {
        "section": "clusters",
        "host": row,
        "details": details.get("attestation_details", {}).get(pk),
        "verbs": _verbs(row) if holds(request.user, "host", "manage") else [],
        "may_see_vms": holds(request.user, "vm", "view"),
        "may_manage": holds(request.user, "host", "manage"),
    }
    template = "fabric/_host.html" if is_partial(request) else "fabric/host_detail.html"
    return render(request, template, context)


@login_required
@require_safe
def host_row(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """What a nudge makes the table read again."""
    require_noun(request.user, "host", "view")
    rows = Host.objects.restrict(request.user).select_related("cluster").filter(pk=pk)
    found = pages.hosts(rows)
    if not found:
        return HttpResponse("")
    return render(request, "fabric/_host_row.html", {"host": found[0]})


def _verbs(host: Host) -> list[dict[str, str]]:
    """What can be done with a host, or why not."""
    busy = f"{host.active_operation.title} is under way." if host.active_operation else ""
    down = host.state in (HostState.DOWN, HostState.UNKNOWN)
    dead = f"{host.name} is {host.get_state_display().lower()}." if down else ""
    drained = host.state == HostState.PAUSED and host.drain == DrainState.COMPLETED
    return [
        {
            "verb": "drain", "label": "Pause and drain", "icon": "drain",
            "why": busy or dead or (f"{host.name} is drained already." if drained else ""),
            "confirm": f"Pause and drain {host.name}?",
            "text": "Its running virtual machines are moved to other hosts.",
        },
        {
            "verb": "resume", "label": "Resume", "icon": "resume",
            "why": busy or dead
            or ("" if host.state == HostState.PAUSED else f"{host.name} isn’t paused."),
            "confirm": "", "text": "",
        },
    ]  # fmt: skip


@login_required
@require_POST
def drain(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    services.drain_host(actor=request.user, host=one(request, pk))
    return redirect("fabric:host", pk)


@login_required
@require_POST
def resume(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    services.resume_host(actor=request.user, host=one(request, pk))
    return redirect("fabric:host", pk)

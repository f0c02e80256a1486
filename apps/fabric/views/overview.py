"""The first page: what needs attention, the clusters, what is under way."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apps.accounts.permissions import holds, require_noun
from apps.common import navigation
from apps.common.htmx import is_partial
from apps.fabric import attention, pages
from apps.operations import selectors as operations

RUNNING = 6


@login_required
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """What people came for, by their role: the overview unless a room has a home for it."""
    home = navigation.home_of(request.user)
    return redirect(home) if home else overview(request)


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """A tenant has no fabric to look over: its machines are its first page."""
    if not holds(request.user, "cluster", "view"):
        return redirect("fabric:front")
    part = is_partial(request)
    template = "fabric/_overview.html" if part else "fabric/overview.html"
    return render(request, template, overview_context(request))


def overview_context(request: HttpRequest) -> dict[str, Any]:
    user: Any = request.user
    rows = pages.clusters(user)
    read: list[Any] = [row for row in rows if row.observed_at]
    return {
        "section": "clusters",
        "clusters": rows,
        "oldest": min(read, key=lambda row: row.observed_at) if read else None,
        "attention": attention.for_user(user),
        "running": operations.active(user).order_by("-created_at")[:RUNNING],
        "may_manage": holds(user, "cluster", "manage"),
        "may_deploy": holds(user, "deployment", "deploy"),
    }


@login_required
@require_safe
def clusters(request: HttpRequest) -> HttpResponse:
    require_noun(request.user, "cluster", "view")
    part = is_partial(request)
    template = "fabric/_clusters.html" if part else "fabric/cluster_list.html"
    return render(request, template, overview_context(request))

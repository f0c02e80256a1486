"""What the pages here share: what stands around them, and the pane beside them."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.models import ApiToken, Tenant, User
from apps.common.api.filters import clean_query
from apps.common.htmx import is_partial

A_PAGE = 50


def frame(user: User) -> dict[str, Any]:
    """What stands around the pages of Settings."""
    counts = {
        "Users": User.objects.restrict(user).count,
        "Tenants and quotas": Tenant.objects.restrict(user).count,
        "API tokens": ApiToken.objects.restrict(user).filter(revoked_at=None).count,
    }
    return {
        "section": "settings",
        "tools_name": "Settings",
        "tools_note": "of this portal",
        "tools_counts": {label: count() for label, count in counts.items()},
    }


def filled(request: HttpRequest) -> QueryDict:
    """The query without the empty fields that a form sends, too: those filter nothing."""
    query = clean_query(request.GET).copy()
    for name in [name for name in query if not any(query.getlist(name))]:
        del query[name]
    return query


def pane(
    request: AuthenticatedHttpRequest,
    template: str,
    context: dict[str, Any],
    below: Callable[[], dict[str, Any]],
    page: str,
) -> HttpResponse:
    """The pane alone for htmx, else its page with the pane open. 422 where its form is wrong."""
    form = context.get("form")
    status = 422 if form is not None and form.is_bound and form.errors else 200
    if is_partial(request):
        return render(request, template, context, status=status)
    return render(request, page, below() | context | {"pane": template}, status=status)


def go(request: AuthenticatedHttpRequest, address: str) -> HttpResponse:
    """To another page, also out of a pane."""
    if is_partial(request):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)

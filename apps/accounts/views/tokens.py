"""Everybody's API tokens, for who may end them."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.api.filters import TokenFilters
from apps.accounts.choices import TokenState
from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.models import ApiToken
from apps.accounts.permissions import require_noun
from apps.accounts.views.ways import A_PAGE, filled, frame
from apps.common.htmx import is_partial


@login_required
@require_safe
def token_list(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Those that were revoked come last. Who doesn't see all of them has the account's page."""
    require_noun(request.user, "user", "manage")
    if is_partial(request):
        return render(request, "accounts/_tokens.html", _rows(request))
    context = frame(request.user) | _rows(request) | {"states": TokenState.choices}
    return render(request, "accounts/token_list.html", context)


def _rows(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    query = filled(request)
    rows = ApiToken.objects.restrict(request.user).select_related("user", "user__tenant")
    rows = rows.order_by(F("revoked_at").desc(nulls_first=True), "-created_at", "pk")
    filters = TokenFilters(query, rows, request=request)
    page = Paginator(filters.rows(), A_PAGE).get_page(request.GET.get("page"))
    return {"page": page, "query": query, "ordering": query.get("ordering", "")}

"""The page Audit."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.audit.filters import AuditFilters
from apps.audit.models import AuditEntry, Outcome
from apps.common.access import require_noun
from apps.common.api.filters import clean_query
from apps.common.htmx import is_partial

A_PAGE = 50


@login_required
@require_safe
def entry_list(request: HttpRequest) -> HttpResponse:
    """Newest first; the same filters as the API's."""
    require_noun(request.user, "audit-entry", "view")
    entries = AuditEntry.objects.restrict(request.user)
    filters = AuditFilters(clean_query(request.GET), queryset=entries, request=request)
    page = Paginator(filters.rows(), A_PAGE).get_page(request.GET.get("page"))
    context = {
        "section": "audit",
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number),
        "outcomes": [str(outcome) for outcome in Outcome],
    }
    template = "audit/_entries.html" if is_partial(request) else "audit/entry_list.html"
    return render(request, template, context)

"""The page Audit: entries, the latest checkpoint, one entry's proof, the verifier to take away."""

from pathlib import Path
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError

from apps.audit import checkpoints, leaves, offline, proofs, tasks, verification
from apps.audit.filters import AuditFilters
from apps.audit.models import AuditCheckpoint, AuditEntry, Outcome, Verification
from apps.common.access import holds, require_noun
from apps.common.api.filters import clean_query
from apps.common.errors import Unavailable
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
        "may_export": holds(request.user, "audit-entry", "export"),
    }
    if is_partial(request):
        return render(request, "audit/_entries.html", context)
    return render(request, "audit/entry_list.html", context | _log(request))


def _log(request: HttpRequest) -> dict[str, Any]:
    """What is known of the whole log."""
    key = checkpoints.signer()
    return {
        "checkpoint": AuditCheckpoint.objects.first(),
        "signer": key.name if key else "",
        "key": key.verifier_key if key else "",
        "verified": Verification.objects.exclude(ended_at=None).first(),
        "verifying": verification.under_way(),
        "may_verify": holds(request.user, "audit-entry", "verify"),
    }


@login_required
def verify(request: HttpRequest) -> HttpResponse:
    """GET: how far the reading of the log is, as part of the page. POST begins one."""
    if request.method == "POST":
        return _begin(request)
    require_noun(request.user, "audit-entry", "view")
    return render(request, "audit/_verified.html", _log(request))


@require_POST
def _begin(request: HttpRequest) -> HttpResponse:
    require_noun(request.user, "audit-entry", "verify")
    if verification.under_way() is None:
        begun = verification.begin()
        try:
            tasks.verify.apply_async(queue="observations")
        except OperationalError as error:
            begun.delete()  # nobody has heard of it: it mustn't stand as under way
            raise Unavailable("The log can’t be read again just now.", hint="Try later.") from error
    if is_partial(request):
        return render(request, "audit/_verified.html", _log(request))
    return redirect("audit:entry_list")


@login_required
@require_safe
def entry_detail(request: HttpRequest, index: int) -> HttpResponse:
    """One entry and what proves it, in a pane or as a page of its own."""
    require_noun(request.user, "audit-entry", "view")
    entry = get_object_or_404(AuditEntry.objects.restrict(request.user), index=index)
    size = proofs.size()
    context = {
        "section": "audit",
        "entry": entry,
        "leaf": leaves.text_of(entry),
        "size": size,
        "root": proofs.root(size).hex(),
        "proof": "\n".join(one.hex() for one in proofs.inclusion(index, size)),
        "kept": AuditCheckpoint.objects.filter(size__gte=index).last(),
    }
    template = "audit/_entry.html" if is_partial(request) else "audit/entry_detail.html"
    return render(request, template, context)


@login_required
@require_safe
def verifier(request: HttpRequest) -> HttpResponse:
    """The verifier, to take away."""
    require_noun(request.user, "audit-entry", "view")
    text = Path(offline.__file__).with_name("verify.py").read_bytes()
    answer = HttpResponse(text, content_type="text/x-python; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="verify.py"'
    return answer

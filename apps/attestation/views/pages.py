"""Attestation over time, guardian services, and what is done with a host's attestation."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.permissions import holds, missing, require_noun
from apps.attestation import facts, services, strips
from apps.attestation.choices import SpanKind, Status
from apps.attestation.filters import HistoryFilters
from apps.attestation.models import GuardianService, Verdict, VerdictSpan
from apps.common.api.filters import clean_query
from apps.common.errors import Invalid
from apps.common.htmx import is_partial
from apps.fabric.models import Cluster, Host

A_PAGE = 50
MOST_STRIPS = 5000


@login_required
@require_safe
def attestation(request: AuthenticatedHttpRequest) -> HttpResponse:
    """A strip a host, then the failures and gaps within the window as a table."""
    require_noun(request.user, "verdict", "view")
    chosen = request.GET.get("window", "week")
    start, end = strips.window(chosen)
    rows: Any = VerdictSpan.objects.restrict(request.user).filter(
        last_seen__gte=start, first_seen__lte=end
    )
    problem = ""
    try:
        rows = HistoryFilters(_query(request), rows, request=request).rows()
    except Invalid as error:
        problem, rows = error.detail, rows.none()
    failing = rows.exclude(kind=SpanKind.VERDICT, status=Status.PASSED)
    page = Paginator(failing.order_by("-first_seen", "pk"), A_PAGE).get_page(
        request.GET.get("page")
    )
    for span in page:
        span.title = facts.status_fact(span.status).title if span.status else "Not observed"
        span.seconds = (
            (timezone.now() if span.current else span.last_seen) - span.first_seen
        ).total_seconds()
    context = {
        "section": "guardian",
        "strips": strips.strips(rows[:MOST_STRIPS], start, end),
        "start": start,
        "end": end,
        "window": chosen if chosen in strips.WINDOWS else "week",
        "windows": [(key, key.capitalize()) for key in strips.WINDOWS],
        "page": page,
        "problem": problem,
        "query": request.GET,
        "statuses": Status.choices,
        "clusters": Cluster.objects.restrict(request.user).values_list("name", "name"),
        "verdicts": _counts(request.user),
        "may_export": holds(request.user, "verdict", "export"),
        "exported": _query(request).urlencode(),
    }
    part = is_partial(request)
    return render(request, f"attestation/{'_attestation' if part else 'attestation'}.html", context)


def _query(request: AuthenticatedHttpRequest) -> Any:
    """The filters of the page, without its blanks and without what isn't a filter."""
    query = request.GET.copy()
    for name in list(query):
        if not any(query.getlist(name)) or name in ("window", "page"):
            del query[name]
    return clean_query(query)


def _counts(user: Any) -> dict[str, int]:
    statuses = list(Verdict.objects.restrict(user).values_list("status", flat=True))
    quiet = (Status.PASSED, Status.NOT_CONFIGURED)
    return {
        "total": len(statuses),
        "failing": sum(1 for status in statuses if status not in quiet),
    }


@login_required
@require_safe
def guardian_services(request: AuthenticatedHttpRequest) -> HttpResponse:
    require_noun(request.user, "guardian-service", "view")
    rows = list(
        GuardianService.objects.restrict(request.user).prefetch_related(
            "certificates", "verdicts__host__cluster"
        )
    )
    for row in rows:
        row.dated = [
            (certificate, (certificate.not_after - timezone.now()).days)
            for certificate in row.certificates.all()
        ]
    context = {
        "section": "guardian",
        "services": rows,
        "may_refresh": holds(request.user, "guardian-service", "refresh"),
    }
    part = is_partial(request)
    return render(
        request, f"attestation/{'_guardians' if part else 'guardian_service_list'}.html", context
    )


@login_required
@require_POST
def guardian_service_refresh(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    services.refresh_guardian_service(
        actor=request.user, guardian_service=_service(request, str(pk))
    )
    return redirect("attestation:guardian_services")


@login_required
@require_POST
def host_guard(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    host = _host(request, pk)
    require_noun(request.user, "host", "manage")
    service = _service(request, request.POST.get("guardian_service", ""))
    services.guard_host(actor=request.user, host=host, guardian_service=service)
    return redirect("fabric:host", pk)


@login_required
@require_POST
def host_diagnose(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    operation = services.diagnose_host(actor=request.user, host=_host(request, pk))
    return redirect("operations:operation_detail", operation.pk)


def _host(request: AuthenticatedHttpRequest, pk: UUID) -> Host:
    found = Host.objects.restrict(request.user).filter(pk=pk).first()
    if found is None:
        raise missing("host")
    return found


def _service(request: AuthenticatedHttpRequest, key: str) -> GuardianService:
    try:
        found = GuardianService.objects.restrict(request.user).filter(pk=UUID(key)).first()
    except ValueError:
        found = None
    if found is None:
        raise missing("guardian-service")
    return found

"""The pages of Activity and of one operation, and what other pages show of work under way."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.permissions import missing, require_noun
from apps.common.api.filters import clean_query
from apps.common.htmx import is_partial, toast
from apps.operations import selectors, services
from apps.operations.api.filters import OperationFilter
from apps.operations.choices import Status
from apps.operations.models import Operation

A_PAGE = 50
IN_BELL = 8


@login_required
@require_safe
def operation_list(request: AuthenticatedHttpRequest) -> HttpResponse:
    """What is under way, then what has ended; the same filters as the API's."""
    require_noun(request.user, "operation", "view")
    rows = selectors.running_first(selectors.visible(request.user))
    filters = OperationFilter(clean_query(_without_blanks(request)), rows, request=request)
    page = Paginator(filters.rows(), A_PAGE).get_page(request.GET.get("page"))
    for operation in page:
        operation.may = selectors.may(request.user, operation)
    context = {
        "section": "activity",
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number),
        "statuses": Status.choices,
        "active": selectors.active(request.user).count(),
    }
    template = "_table.html" if is_partial(request) else "operation_list.html"
    return render(request, f"operations/{template}", context)


def _without_blanks(request: AuthenticatedHttpRequest) -> Any:
    """A form sends its empty fields too; those filter nothing."""
    query = request.GET.copy()
    for name in list(query):
        if not any(query.getlist(name)):
            del query[name]
    return query


def _operation(request: AuthenticatedHttpRequest, pk: UUID) -> Operation:
    found = selectors.visible(request.user).filter(pk=pk).first()
    if found is None:
        raise missing("operation")
    found.may = selectors.may(request.user, found)
    return found


@login_required
@require_safe
def operation_detail(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """Steps, how it ended, what was said meanwhile, and the script that ran."""
    operation = _operation(request, pk)
    context = {
        "section": "activity",
        "operation": operation,
        "events": selectors.transcript(operation),
        "retries": selectors.visible(request.user).filter(retry_of=operation),
    }
    template = "_operation.html" if is_partial(request) else "operation_detail.html"
    return render(request, f"operations/{template}", context)


@login_required
@require_safe
def operation_row(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """One row of the table, read again when its operation was nudged."""
    return render(request, "operations/_row.html", {"operation": _operation(request, pk)})


@login_required
@require_safe
def bell(request: AuthenticatedHttpRequest) -> HttpResponse:
    """What the bell opens: what is under way, and what ended lately."""
    rows = selectors.running_first(selectors.visible(request.user))[:IN_BELL]
    return render(request, "operations/_bell.html", {"operations": rows})


@login_required
@require_safe
def bell_count(request: AuthenticatedHttpRequest) -> HttpResponse:
    running = selectors.active(request.user).count()
    return render(request, "operations/_bell_count.html", {"running": running})


@login_required
@require_POST
def operation_cancel(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    operation = _operation(request, pk)
    services.cancel(actor=request.user, operation=operation)
    return _acted(request, _operation(request, pk), "Asked to cancel it.")


@login_required
@require_POST
def operation_retry(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    again = services.retry(actor=request.user, operation=_operation(request, pk))
    if is_partial(request):
        return HttpResponse(status=204, headers={"HX-Location": _address(again)})
    return redirect(_address(again))


def _acted(request: AuthenticatedHttpRequest, operation: Operation, words: str) -> HttpResponse:
    """The row that the button is in, or back to the operation's page."""
    if not is_partial(request):
        return redirect(_address(operation))
    return toast(render(request, "operations/_row.html", {"operation": operation}), words)


def _address(operation: Operation) -> str:
    return reverse("operations:operation_detail", args=[operation.pk])

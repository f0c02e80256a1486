"""Pages of batches: the form with its table, and one batch with each machine's result."""

from collections import Counter
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.permissions import missing, require_noun
from apps.common.errors import PortalError
from apps.common.htmx import is_partial
from apps.operations import selectors
from apps.operations import services as operations
from apps.operations.choices import Status
from apps.vms.deployments import choosing
from apps.vms.deployments.batch import results, services, table
from apps.vms.deployments.batch.forms import FIRST, BatchForm
from apps.vms.deployments.batch.planning import Trial
from apps.vms.deployments.forms import SHIELDED, with_volume
from apps.vms.deployments.models import DeploymentBatch


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The form. A POST does what its button says: `fill` reads the pasted table, `add` gives more
    lines, `check` tries it all out, `fields` follows a change of the pair or cluster, and `deploy`
    asks for the machines and leads to their page. All but the last change nothing.
    """
    require_noun(request.user, "deployment", "deploy")
    if request.method != "POST":
        form = BatchForm(user=request.user, initial=choosing.given(request))
        return _form(request, form)
    do = request.POST.get("do", "deploy")
    if do not in ("check", "deploy"):
        given = with_volume(request.POST.dict() | {"start": "start" in request.POST})
        form = BatchForm(user=request.user, initial=given)
        if do == "fill":
            form.fill(str(request.POST.get("csv") or ""))
        elif do == "add":
            form.add(FIRST)
        return _form(request, form, text=_kept(request, form))
    form = BatchForm(request.POST, user=request.user)
    trial = None
    if form.is_valid():
        try:
            if do == "deploy":
                made = services.deploy(actor=request.user, order=form.order())
                return redirect(reverse("deployments:batch", args=[made.pk]))
            trial = services.preflight(actor=request.user, order=form.order())
            form.tell(trial.errors)
        except PortalError as error:
            form.tell(error.errors)
            if not error.errors:
                form.general.append(f"{error.detail} {error.hint}".strip())
    return _form(request, form, trial, status=200 if do == "check" else 422)


def _kept(request: AuthenticatedHttpRequest, form: BatchForm) -> str:
    """The pasted text where it couldn't be read; else it is in the table now."""
    return str(request.POST.get("csv") or "") if form.general else ""


def _form(
    request: AuthenticatedHttpRequest,
    form: BatchForm,
    trial: Trial | None = None,
    *,
    text: str = "",
    status: int = 200,
) -> HttpResponse:
    placed = Counter(host.name for _, host in trial.machines if host) if trial else Counter()
    context = {
        "section": "vms",
        "form": form,
        "kind": form.kind_now,
        "pair": form.chosen_pair,
        "most": table.MOST,
        "text": text,
        "trial": trial,
        "placed": sorted(placed.items()),
        "example": ",".join(column.strip("@") for column in form.columns),
        "shielded": form.kind_now == SHIELDED,
        "error_count": form.wrong + len(form.general) + len(form.errors),
    }
    part = is_partial(request)
    name = "_batch_form" if part else "batch_form"
    return render(request, f"deployments/{name}.html", context, status=status)


def _one(request: AuthenticatedHttpRequest, pk: UUID) -> DeploymentBatch:
    rows = DeploymentBatch.objects.restrict(request.user)
    found: DeploymentBatch | None = (
        rows.select_related("operation", "cluster", "tenant").filter(pk=pk).first()
    )
    if found is None:
        raise missing("deployment")
    return found


@login_required
@require_safe
def batch(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """Every machine with its progress or its result, live."""
    found = _one(request, pk)
    rows = [services.outcome(row) for row in services.machines(found)]
    counts = Counter(row["status"] for row in rows)
    operation = found.operation
    may: dict[str, Any] = {"cancel": False, "retry": False}
    if operation is not None:
        may = selectors.may(request.user, operation)
    bad = sum(counts[status] for status in (Status.FAILED, Status.ERRORED, Status.CANCELLED))
    context = {
        "section": "vms",
        "batch": found,
        "operation": operation,
        "rows": rows,
        "counts": [(status.label, counts[status]) for status in Status if counts[status]],
        "made": counts[Status.SUCCEEDED],
        "bad": bad,
        "may_cancel": may["cancel"],
        "may_retry": may["retry"] and bad > 0,
    }
    part = is_partial(request)
    return render(request, f"deployments/{'_batch' if part else 'batch_detail'}.html", context)


@login_required
@require_safe
def table_of_results(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    return results.response(_one(request, pk))


@login_required
@require_POST
def cancel(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """Stops those that haven't begun."""
    operations.cancel(actor=request.user, operation=_operation(_one(request, pk)))
    return redirect("deployments:batch", pk)


@login_required
@require_POST
def retry(request: AuthenticatedHttpRequest, pk: UUID) -> HttpResponse:
    """Once more those that failed."""
    operations.retry(actor=request.user, operation=_operation(_one(request, pk)))
    return redirect("deployments:batch", pk)


def _operation(found: DeploymentBatch) -> Any:
    if found.operation is None:
        raise missing("operation")
    return found.operation

"""The console's page, which says who decided what; and the file that opens one, once."""

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.permissions import missing, require
from apps.common.errors import PortalError
from apps.console import services
from apps.vms import selectors
from apps.vms import services as vms
from apps.vms.policy import Capability


@login_required
@require_http_methods(["GET", "POST"])
def console(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """GET says what would happen; POST opens, or answers 403 or 409 with the same words."""
    vm = selectors.listed(request.user).filter(pk=pk).first()
    if vm is None:
        raise missing("vm")
    require(request.user, "console", vm)
    problem: PortalError | None = None
    if request.method == "POST":
        try:
            return redirect(services.open_console(actor=request.user, vm=vm).url)
        except PortalError as error:
            problem = error
    context = {
        "vm": vm,
        "decision": vms.policy_of(vm, Capability.CONSOLE),
        "problem": problem,
    }
    return render(
        request, "console/console.html", context, status=problem.status if problem else 200
    )


@never_cache
@require_GET
def rdp_file(request: HttpRequest, token: str) -> HttpResponse:
    """The ticket is the permission, as a browser's download has no other; it works once."""
    name, document = services.redeem(token)
    return HttpResponse(
        document,
        content_type="application/x-rdp",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )

"""Verbs on one or many virtual machines, each with a result of its own."""

import uuid
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.models import User
from apps.accounts.permissions import holds, require_noun
from apps.common.errors import NotFound, PortalError
from apps.common.htmx import is_partial
from apps.vms import columns, selectors, services
from apps.vms.lifecycle import PowerVerb
from apps.vms.models import VirtualMachine
from apps.vms.views.listing import MOST_CHOSEN, attach_active, one, uuid_or_none
from apps.vms.views.machine import context_of


@dataclass(frozen=True)
class Refusal:
    """A VM for which a verb wasn't taken, in the error's own words."""

    name: str
    error: PortalError


@login_required
@require_POST
def act_on_many(request: AuthenticatedHttpRequest, verb: str) -> HttpResponse:
    """POST `id` (once or many times), or `machine` from that machine's page. The rows, or the page,
    come back as they are now, refusals in words."""
    require_noun(request.user, "vm", "operate")
    if verb not in set(PowerVerb):
        raise NotFound("There is no such command.")
    machine = uuid_or_none(request.POST.get("machine"))
    named = [machine] if machine else map(uuid_or_none, request.POST.getlist("id")[:MOST_CHOSEN])
    ids = [one for one in named if one]
    refused = _act(request.user, ids, PowerVerb(verb))
    if not is_partial(request):
        return redirect("vms:detail", machine) if machine else redirect("vms:list")
    if machine:
        shown = context_of(request, one(request, machine))
        return render(request, "vms/_acted.html", shown | {"refusals": refused, "verb": verb})
    rows = list(selectors.listed(request.user).filter(pk__in=ids))
    attach_active(rows)
    context = {
        "rows": rows,
        "refusals": refused,
        "verb": verb,
        "hidden": columns.hidden(request.user),
        "may_see_hosts": holds(request.user, "host", "view"),
    }
    return render(request, "vms/_acted.html", context)


def _act(user: User, ids: list[uuid.UUID], verb: PowerVerb) -> list[Refusal]:
    refused = []
    found = VirtualMachine.objects.restrict(user).select_related("cluster", "host", "tenant")
    for vm in found.filter(pk__in=ids):
        try:
            services.power(actor=user, vm=vm, verb=verb)
        except PortalError as error:
            refused.append(Refusal(vm.name, error))
    return refused

"""The page of one virtual machine and its panes: move, settings, delete, checkpoints."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedHttpRequest
from apps.accounts.models import Tenant
from apps.accounts.permissions import holds, require
from apps.attestation import selectors as attestation
from apps.common.errors import Invalid, PortalError
from apps.common.htmx import is_partial
from apps.fabric.models import Host
from apps.vms import details, placements, policy, services
from apps.vms.choices import VMState
from apps.vms.commands import commands_for
from apps.vms.deployments import origins
from apps.vms.forms import CheckpointForm, DeleteForm, HardwareForm, TenantForm
from apps.vms.models import VirtualMachine
from apps.vms.views.listing import one, uuid_or_none


@login_required
@require_GET
def virtual_machine(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    template = "vms/_machine.html" if is_partial(request) else "vms/virtual_machine_detail.html"
    return render(request, template, context_of(request, one(request, pk)))


def context_of(request: AuthenticatedHttpRequest, vm: VirtualMachine) -> dict[str, Any]:
    """What `vms/_machine.html` shows of a virtual machine; asks its host where that is long ago."""
    detail = details.known(vm)
    decisions = policy.decide_all(vm.protection, services.host_build(vm.host))
    fabric = holds(request.user, "host", "view")
    return {
        "vm": vm,
        "detail": detail,
        "reading": details.ask_if_old(actor=request.user, vm=vm, detail=detail),
        "section": "vms",
        "tools_name": "Virtual machines",
        "names": vm.name,
        "commands": commands_for(request.user, [vm]),
        "console": policy.decide(policy.Capability.CONSOLE, vm.protection),
        "allowed": [(policy.LABELS[d.capability], d) for d in decisions if d.allowed],
        "refused": [(policy.LABELS[d.capability], d) for d in decisions if not d.allowed],
        "verdict": attestation.verdict_of(vm.host) if vm.host and fabric else None,
        "may_see_hosts": fabric,
        "origin": origins.of(request.user, [vm.pk]).get(vm.pk),
        "may": {
            verb: holds(request.user, "vm", verb)
            for verb in ("operate", "edit", "move", "delete", "checkpoint", "console")
        },
    }


@login_required
@require_http_methods(["GET", "POST"])
def move(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The pane with every host, allowed or not; a POST with `host` and `type` moves."""
    vm = one(request, pk)
    require(request.user, "move", vm)
    problem: PortalError | None = None
    if request.method == "POST":
        key = uuid_or_none(request.POST.get("host"))
        host = Host.objects.restrict(request.user).filter(pk=key).first() if key else None
        try:
            if host is None:
                raise Invalid.field("host", "Choose a host.", code="required")
            services.move(
                actor=request.user, vm=vm, host=host, move_type=_type(request.POST.get("type"))
            )
            return _done(request, vm)
        except PortalError as error:
            problem = error
    context = {"vm": vm, "placements": placements.for_virtual_machine(vm), "problem": problem}
    return _pane(request, "vms/_move.html", vm, context, problem)


def _type(text: str | None) -> str:
    if text not in ("live", "quick"):
        raise Invalid.field("type", "Choose live or quick.", code="invalid_choice")
    return text


@login_required
@require_http_methods(["GET", "POST"])
def settings(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Processors and memory (off only), and whose it is."""
    vm = one(request, pk)
    require(request.user, "edit", vm)
    tenants = Tenant.objects.restrict(request.user)
    problem: PortalError | None = None
    posted = request.POST if request.method == "POST" else None
    hardware = HardwareForm(
        posted if posted and "processors" in posted else None,
        initial={"processors": vm.processors, "memory_gib": round(vm.memory_bytes / 2**30, 1)},
    )
    owner = TenantForm(
        posted if posted and "processors" not in posted else None,
        tenants=tenants,
        initial={"tenant": vm.tenant_id},
    )
    if posted is not None:
        try:
            if hardware.is_bound and hardware.is_valid():
                services.edit_hardware(
                    actor=request.user, vm=vm, memory_bytes=hardware.memory_bytes,
                    processors=hardware.cleaned_data["processors"],
                )  # fmt: skip
                return _done(request, vm)
            if owner.is_bound and owner.is_valid():
                services.assign_tenant(
                    actor=request.user, vm=vm, tenant=owner.cleaned_data["tenant"]
                )
                return _done(request, vm)
        except PortalError as error:
            problem = error
    wrong = problem or (hardware.errors or owner.errors)
    context = {
        "vm": vm, "hardware": hardware, "owner": owner, "problem": problem,
        "off": vm.state == VMState.OFF,
    }  # fmt: skip
    return _pane(request, "vms/_settings.html", vm, context, wrong)


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    vm = one(request, pk)
    require(request.user, "delete", vm)
    form = DeleteForm(request.POST or None, vm_name=vm.name)
    return _asked(request, "vms/_delete.html", vm, form, services.delete, "disks")


@login_required
@require_http_methods(["GET", "POST"])
def checkpoint(request: AuthenticatedHttpRequest, pk: uuid.UUID) -> HttpResponse:
    vm = one(request, pk)
    require(request.user, "checkpoint", vm)
    form = CheckpointForm(request.POST or None)
    return _asked(request, "vms/_checkpoint.html", vm, form, services.checkpoint, "name")


@login_required
@require_POST
def checkpoint_change(
    request: AuthenticatedHttpRequest, pk: uuid.UUID, checkpoint: str, verb: str
) -> HttpResponse:
    vm = one(request, pk)
    require(request.user, "checkpoint", vm)
    if verb not in ("apply", "delete"):
        raise Invalid("A checkpoint can be applied or deleted.")
    services.checkpoint_change(
        actor=request.user, vm=vm, checkpoint_id=details.checkpoint_id(vm, checkpoint),
        apply=verb == "apply",
    )  # fmt: skip
    return _done(request, vm)


def _asked(
    request: AuthenticatedHttpRequest,
    template: str,
    vm: VirtualMachine,
    form: Form,
    service: Callable[..., object],
    field: str,
) -> HttpResponse:
    """A form's pane; a POST that is valid runs the service with that field, or shows why not."""
    problem: PortalError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            service(actor=request.user, vm=vm, **{field: form.cleaned_data[field]})
            return _done(request, vm)
        except PortalError as error:
            problem = error
    context = {"vm": vm, "form": form, "problem": problem}
    return _pane(request, template, vm, context, problem or form.errors)


def _pane(
    request: AuthenticatedHttpRequest,
    template: str,
    vm: VirtualMachine,
    context: dict[str, Any],
    wrong: Any,
) -> HttpResponse:
    """The pane alone for htmx, else the VM's page with the pane open: it has its own address."""
    status = 422 if request.method == "POST" and wrong else 200
    if is_partial(request):
        return render(request, template, context, status=status)
    page = context_of(request, vm) | {"pane": template} | context
    return render(request, "vms/virtual_machine_detail.html", page, status=status)


def _done(request: AuthenticatedHttpRequest, vm: VirtualMachine) -> HttpResponse:
    """The pane closes; the row itself shows what is under way."""
    if is_partial(request):
        return HttpResponse(status=204, headers={"HX-Trigger": "fabric:pane-done"})
    return redirect(reverse("vms:detail", args=[vm.pk]))

"""Opening a console: permission, then policy, then state; twice, and the host has the last word."""

import datetime
from dataclasses import dataclass

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import require
from apps.audit import services as audit
from apps.common.errors import ConsoleBlocked, HostUnreachable, NotFound, StateForbids
from apps.console import rdp, runners, tickets
from apps.remoting.errors import RemotingError
from apps.vms import services as vms
from apps.vms.choices import Protection, VMState
from apps.vms.models import VirtualMachine
from apps.vms.policy import Capability, Decision, decide


@dataclass(frozen=True)
class Opening:
    """Where the console can be fetched, once, until when."""

    url: str
    expires_at: datetime.datetime


def open_console(*, actor: User, vm: VirtualMachine) -> Opening:
    """Raises ConsoleBlocked before it looks at the state, so that a refusal is never hidden."""
    require(actor, "console", vm)
    decision = vms.policy_of(vm, Capability.CONSOLE)
    if not decision.allowed:
        _record(actor, vm, "refused", decision.reason)
        raise _blocked(vm, decision)
    if vm.state not in (VMState.RUNNING, VMState.PAUSED):
        raise StateForbids(
            f"{vm.name} is {VMState(vm.state).label.lower()}; there is no screen to see.",
            hint="Start it first.",
        )
    token = tickets.issue(tickets.Ticket(str(actor.pk), str(vm.pk)))
    _record(actor, vm, "done", "ticket issued")
    expires_at = timezone.now() + datetime.timedelta(seconds=tickets.LIFETIME_SECONDS)
    return Opening(reverse("console:rdp", args=[token]), expires_at)


def redeem(token: str) -> tuple[str, str]:
    """(file name, `.rdp` document) of a ticket. Reads the protection from the host itself."""
    ticket = tickets.take(token)
    vm = (
        VirtualMachine.objects.select_related("host").filter(pk=ticket.vm_id).first()
        if ticket
        else None
    )
    actor = User.objects.filter(pk=ticket.user_id, is_active=True).first() if ticket else None
    if vm is None or actor is None or vm.host is None:
        raise NotFound("This console address isn’t valid, or was used already.")
    require(actor, "console", vm)
    decision = decide(Capability.CONSOLE, _protection(vm))
    if not decision.allowed:
        _record(actor, vm, "refused", decision.reason)
        raise _blocked(vm, decision)
    _record(actor, vm, "done", "opened")
    return rdp.filename(vm.name), rdp.document(host=vm.host.fqdn or vm.host.name, vm_id=vm.vm_id)


def _protection(vm: VirtualMachine) -> Protection:
    try:
        return runners.protection_now(vm)
    except RemotingError as error:
        raise HostUnreachable(
            f"The host of {vm.name} can’t confirm its protection: {error}",
            hint="The console stays closed until the host answers.",
        ) from error


def _blocked(vm: VirtualMachine, decision: Decision) -> ConsoleBlocked:
    return ConsoleBlocked(
        f"The console of {vm.name} is closed. {decision.reason}", hint=decision.instead
    )


@transaction.atomic
def _record(actor: User, vm: VirtualMachine, outcome: str, detail: str) -> None:
    """In a transaction of its own: a refusal, which is raised, is recorded all the same."""
    audit.record(
        actor=actor, action="vm.console", target_kind="vm", target_id=vm.pk, target_name=vm.name,
        outcome=outcome, tenant_id=vm.tenant_id, detail={"detail": detail},
    )  # fmt: skip

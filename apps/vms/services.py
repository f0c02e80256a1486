"""Every change to a virtual machine: permission, rules, audit and the operation that does it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from apps.accounts.models import Tenant, User
from apps.accounts.permissions import require
from apps.attestation import selectors as attestation
from apps.audit import services as audit
from apps.common.errors import Invalid, PlacementRefused, ProtectionForbids, StateForbids
from apps.fabric.models import Host, Volume
from apps.operations import nudges
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.vms import placements as places
from apps.vms import readings
from apps.vms.choices import VMState
from apps.vms.lifecycle import ACTIONS, PowerVerb, require_state
from apps.vms.models import VirtualMachine
from apps.vms.policy import Capability, Decision, decide


def policy_of(vm: VirtualMachine, capability: Capability) -> Decision:
    """What the one table says of this VM, on the build that its host runs."""
    return decide(capability, vm.protection, host_build(vm.host))


def host_build(host: Host | None) -> int | None:
    """The OS build in a version such as 10.0.20348; None where it isn't known."""
    parts = (host.os_version if host else "").split(".")
    return int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else None


def require_policy(vm: VirtualMachine, capability: Capability) -> None:
    decision = policy_of(vm, capability)
    if not decision.allowed:
        raise ProtectionForbids(decision.reason, hint=decision.instead)


@transaction.atomic
def power(*, actor: User, vm: VirtualMachine, verb: PowerVerb) -> Operation:
    """Asks for a life-cycle verb. Raises StateForbids, PlacementRefused, OperationActive."""
    require(actor, "operate", vm)
    action = ACTIONS[verb]
    _require_none_active(vm)
    require_state(action, vm.name, vm.state)
    if verb in (PowerVerb.START, PowerVerb.RESUME, PowerVerb.RESTART) and vm.guarded:
        _require_attested_host(vm)
    return _request(actor, vm, action.kind, f"{action.label} {vm.name}", {})


def _require_attested_host(vm: VirtualMachine) -> None:
    """A guarded VM's key goes only to a host that passed; so says Hyper-V, and we say it first."""
    verdict = attestation.verdict_of(vm.host) if vm.host else None
    if verdict is not None and verdict.status == "Passed":
        return
    where = vm.host.name if vm.host else "its host"
    status = verdict.status if verdict is not None else "not attested"
    raise PlacementRefused(
        f"{vm.name} can’t start on {where}: the host hasn’t passed attestation ({status}), "
        "so the Host Guardian Service releases no key to it.",
        hint=_attestation_hint(vm, verdict),
        reasons=[
            {
                "code": "host-not-attested",
                "message": verdict.summary if verdict else f"{where} isn’t attested.",
                "fix": verdict.fix if verdict else "Put the host under a guardian service.",
            }
        ],
    )


def _attestation_hint(vm: VirtualMachine, verdict: "attestation.Verdict | None") -> str:
    fit = [p.host.name for p in places.for_virtual_machine(vm) if p.allowed]
    if fit:
        return f"Move it to {' or '.join(fit[:3])}, which passed, and start it there."
    return verdict.fix if verdict else "Put the host under a guardian service."


@transaction.atomic
def move(
    *,
    actor: User,
    vm: VirtualMachine,
    host: Host | None,
    move_type: str,
    volume: Volume | None = None,
) -> Operation:
    """Asks for a move: `live` or `quick` to another host, `storage` to another volume."""
    require(actor, "move", vm)
    _require_none_active(vm)
    if move_type == "storage":
        return _move_storage(actor, vm, volume)
    require_policy(vm, Capability.LIVE_MIGRATION)
    if not vm.clustered:
        raise StateForbids(
            f"{vm.name} isn’t clustered, so its cluster can’t move it.",
            hint="Add it to the cluster first.",
        )
    if host is None:
        host = _best(vm)
    _require_placement(vm, host)
    return _request(
        actor, vm, "vm.move", f"Move {vm.name} to {host.name}",
        {"host": str(host.pk), "host_name": host.name, "type": move_type},
    )  # fmt: skip


def _best(vm: VirtualMachine) -> Host:
    """The allowed host with most memory to spare."""
    fit = [p.host for p in places.for_virtual_machine(vm) if p.allowed]
    if not fit:
        raise PlacementRefused(
            f"No other host of {vm.cluster.name} can take {vm.name}.",
            hint="See each host’s reason on its Move pane.",
            reasons=_all_reasons(vm),
        )
    return max(fit, key=lambda host: host.memory_available_bytes or 0)


def _all_reasons(vm: VirtualMachine) -> list[dict[str, str]]:
    return [r.as_dict() for p in places.for_virtual_machine(vm) for r in p.reasons]


def _require_placement(vm: VirtualMachine, host: Host) -> None:
    placement = next((p for p in places.for_virtual_machine(vm) if p.host.pk == host.pk), None)
    if placement is None:
        raise Invalid.field(
            "host", f"{host.name} isn’t a host of {vm.cluster.name}.",
            hint="Choose a host of the VM’s own cluster.",
        )  # fmt: skip
    if not placement.allowed:
        raise PlacementRefused(
            f"{vm.name} can’t move to {host.name}. "
            + " ".join(reason.message for reason in placement.reasons),
            hint=" ".join(reason.fix for reason in placement.reasons),
            reasons=[reason.as_dict() for reason in placement.reasons],
        )


def _move_storage(actor: User, vm: VirtualMachine, volume: Volume | None) -> Operation:
    if volume is None or volume.cluster_id != vm.cluster_id:
        raise Invalid.field("volume", "Name a volume of the VM’s own cluster.", code="required")
    return _request(
        actor, vm, "vm.move-storage", f"Move the storage of {vm.name} to {volume.name}",
        {"volume": str(volume.pk), "volume_name": volume.name},
    )  # fmt: skip


@transaction.atomic
def edit_hardware(
    *,
    actor: User,
    vm: VirtualMachine,
    processors: int | None = None,
    memory_bytes: int | None = None,
) -> Operation:
    """Asks for other processors or memory; the VM must be off."""
    require(actor, "edit", vm)
    require_policy(vm, Capability.EDIT_HARDWARE)
    _require_none_active(vm)
    if vm.state != VMState.OFF:
        raise StateForbids(
            f"{vm.name} is {VMState(vm.state).label.lower()}; processors and memory change "
            "only while it is off.",
            hint="Shut it down, then save again.",
        )
    return _request(
        actor, vm, "vm.edit", f"Change the hardware of {vm.name}",
        {"processors": processors, "memory_bytes": memory_bytes},
    )  # fmt: skip


@transaction.atomic
def delete(*, actor: User, vm: VirtualMachine, disks: bool) -> Operation:
    """Asks for the VM's removal; its files too where the portal made them or `disks` says so."""
    require(actor, "delete", vm)
    _require_none_active(vm)
    if vm.state not in (VMState.OFF, VMState.SAVED, VMState.CRITICAL):
        raise StateForbids(
            f"{vm.name} is {VMState(vm.state).label.lower()}; only a VM that is off can go.",
            hint="Turn it off or shut it down first.",
        )
    return _request(actor, vm, "vm.delete", f"Delete {vm.name}", {"disks": disks})


@transaction.atomic
def checkpoint(*, actor: User, vm: VirtualMachine, name: str) -> Operation:
    require(actor, "checkpoint", vm)
    require_policy(vm, Capability.CHECKPOINTS)
    _require_none_active(vm)
    return _request(actor, vm, "vm.checkpoint", f"Checkpoint of {vm.name}", {"name": name})


@transaction.atomic
def checkpoint_change(
    *, actor: User, vm: VirtualMachine, checkpoint_id: str, apply: bool
) -> Operation:
    """Asks to apply a checkpoint, or to delete it."""
    require(actor, "checkpoint", vm)
    require_policy(vm, Capability.CHECKPOINTS)
    _require_none_active(vm)
    kind, word = ("vm.checkpoint-apply", "Apply") if apply else ("vm.checkpoint-delete", "Delete")
    return _request(
        actor, vm, kind, f"{word} a checkpoint of {vm.name}", {"checkpoint_id": checkpoint_id}
    )


@transaction.atomic
def read_detail(*, actor: User, vm: VirtualMachine) -> Operation:
    """Asks the host for what the inventory doesn't hold: disks, adapters, checkpoints."""
    require(actor, "view", vm)
    return _request(actor, vm, "vm.read", f"Read {vm.name}", {}, exclusive=False, audited=False)


@transaction.atomic
def assign_tenant(*, actor: User, vm: VirtualMachine, tenant: Tenant | None) -> VirtualMachine:
    require(actor, "edit", vm)
    VirtualMachine.objects.filter(pk=vm.pk).update(tenant=tenant)
    audit.record(
        actor=actor, action="vm.assign-tenant", target_kind="vm", target_id=vm.pk,
        target_name=vm.name, outcome="done", tenant_id=tenant.pk if tenant else None,
        detail={"tenant": tenant.name if tenant else None},
    )  # fmt: skip
    vm.tenant = tenant
    readings.nudge([vm])
    return vm


def _require_none_active(vm: VirtualMachine) -> None:
    """The constraint decides; asked first so that a second click hears of the first one's work
    and not of a state which that work is about to change."""
    operations.require_none_active("vm", vm.pk)


def _request(
    actor: User, vm: VirtualMachine, kind: str, title: str, parameters: Mapping[str, Any],
    *, exclusive: bool = True, audited: bool = True,
) -> Operation:  # fmt: skip
    operation = operations.request(
        actor=actor, kind=kind, target_kind="vm", target_id=vm.pk, target_name=vm.name,
        title=title, parameters=dict(parameters), tenant=vm.tenant, exclusive=exclusive,
        audit=audited,
    )  # fmt: skip
    nudges.publish("vm", vm.pk, vm.tenant_id)
    return operation

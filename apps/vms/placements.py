"""Where a virtual machine may run: every host of its cluster, allowed or not, and why not.

The portal's answer before the click; Windows decides again when it is done. Unknown is not
allowed.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from uuid import UUID

from apps.attestation import selectors as attestation
from apps.fabric.models import Cluster, Host, VirtualSwitch
from apps.vms.choices import VMState
from apps.vms.models import VirtualMachine


@dataclass(frozen=True)
class Reason:
    code: str
    message: str
    fix: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Placement:
    host: Host
    reasons: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        return not self.reasons


@dataclass(frozen=True)
class Demand:
    """What a virtual machine asks of a host."""

    memory_bytes: int
    guarded: bool
    switches: frozenset[str] = field(default_factory=frozenset)
    #: Guardian services that may release its key; None where that isn't known or doesn't matter.
    guardian_services: frozenset[UUID] | None = None


def for_virtual_machine(vm: VirtualMachine) -> list[Placement]:
    """Placements of a VM that exists; its own host is told as `same-host`."""
    needs_memory = vm.state in (VMState.RUNNING, VMState.PAUSED)
    demand = Demand(
        memory_bytes=(vm.memory_assigned_bytes or vm.memory_bytes) if needs_memory else 0,
        guarded=vm.guarded,
        switches=frozenset(vm.switches),
    )
    return _placements(vm.cluster, demand, own_host=vm.host_id)


def for_deployment(cluster: Cluster, demand: Demand) -> list[Placement]:
    """Placements of a VM that is still to be made."""
    return _placements(cluster, demand)


def _placements(cluster: Cluster, demand: Demand, own_host: UUID | None = None) -> list[Placement]:
    hosts = list(Host.objects.filter(cluster=cluster).order_by("name"))
    verdicts = attestation.verdicts_of(hosts) if demand.guarded else {}
    switches = _switches(cluster)
    placements = []
    for host in hosts:
        if host.pk == own_host:
            reasons: Iterable[Reason] = (
                Reason("same-host", f"It is on {host.name} already.", "Choose another host."),
            )
        else:
            reasons = _reasons(host, demand, verdicts.get(host.pk), switches)
        placements.append(Placement(host, tuple(reasons)))
    return placements


def _switches(cluster: Cluster) -> dict[UUID, set[str]]:
    """Names of virtual switches by host."""
    found: dict[UUID, set[str]] = {}
    rows = VirtualSwitch.objects.filter(cluster=cluster).values_list("hosts__id", "name")
    for host_id, name in rows:
        found.setdefault(host_id, set()).add(name)
    return found


def _reasons(
    host: Host,
    demand: Demand,
    verdict: "attestation.Verdict | None",
    switches: dict[UUID, set[str]],
) -> Iterable[Reason]:
    down = _not_up(host)
    if down is not None:
        yield down
        if down.code in ("host-down", "unknown"):
            return  # nothing else that is known of it is worth a word
    if demand.guarded:
        yield from _not_attested(host, verdict, demand)
    if demand.memory_bytes > (host.memory_available_bytes or 0):
        yield Reason(
            "not-enough-memory",
            f"{host.name} has {_gib(host.memory_available_bytes or 0)} free; "
            f"{_gib(demand.memory_bytes)} are needed.",
            "Move or shut down something on it, or give the VM less memory.",
        )
    missing = sorted(demand.switches - switches.get(host.pk, set()))
    if missing:
        yield Reason(
            "switch-missing",
            f"{host.name} has no virtual switch named {', '.join(missing)}.",
            "Create the switch there, or connect the VM to one that it has.",
        )


def _not_up(host: Host) -> Reason | None:
    if host.state == "down":
        return Reason("host-down", f"{host.name} is down.", "Start the host, or choose another.")
    if host.state not in ("up", "paused") or host.freshness != "live":
        return Reason(
            "unknown",
            f"What {host.name} is doing isn’t known: {host.problem or 'it hasn’t told lately.'}",
            "Refresh its cluster, and see on its page why it doesn’t answer.",
        )
    if host.state == "paused":
        return Reason("host-paused", f"{host.name} is paused for maintenance.", "Resume it first.")
    return None


def _not_attested(
    host: Host, verdict: "attestation.Verdict | None", demand: Demand
) -> Iterable[Reason]:
    if verdict is None or verdict.status in ("NotConfigured", "Unknown"):
        yield Reason(
            "host-not-guarded",
            f"{host.name} isn’t attested by a Host Guardian Service, so it gets no key.",
            "Put the host under the guardian service, or choose a host that passed.",
        )
        return
    if verdict.status != "Passed":
        yield Reason(
            "host-not-attested",
            f"{host.name} failed attestation ({verdict.status}): {verdict.summary}",
            verdict.fix,
        )
    elif demand.guardian_services is not None and (
        verdict.guardian_service_id not in demand.guardian_services
    ):
        yield Reason(
            "not-authorized",
            f"The shielding data doesn’t name the guardian service of {host.name}.",
            "Ask the owner for shielding data that authorises this fabric’s guardian.",
        )


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"

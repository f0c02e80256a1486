"""What the chosen rows of the grid are together."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.vms.choices import Protection, VMState
from apps.vms.models import VirtualMachine
from apps.vms.policy import Capability, decide

#: So many are named; of more than that their number.
MOST = 6


@dataclass(frozen=True)
class Details:
    """Sums over virtual machines, in words where words are shown."""

    names: Sequence[VirtualMachine]
    more: int
    title: str
    processors: int
    memory_bytes: int
    assigned_bytes: int
    states: str
    protections: str
    closed: int
    tenants: str


def of(vms: Sequence[VirtualMachine]) -> Details:
    """`vms` with their hosts and tenants at hand."""
    title = vms[0].name if len(vms) == 1 else f"{len(vms)} virtual machines selected"
    return Details(
        names=vms[:MOST],
        more=max(0, len(vms) - MOST),
        title=title if vms else "",
        processors=sum(vm.processors for vm in vms),
        memory_bytes=sum(vm.memory_bytes for vm in vms),
        assigned_bytes=sum(vm.memory_assigned_bytes for vm in vms),
        states=_counted(VMState(vm.state).label.lower() for vm in vms),
        protections=_counted(Protection(vm.protection).label.lower() for vm in vms),
        closed=sum(not decide(Capability.CONSOLE, vm.protection).allowed for vm in vms),
        tenants=", ".join(
            sorted({vm.tenant.name if vm.tenant else "Infrastructure" for vm in vms})
        ),
    )


def _counted(words: Iterable[str]) -> str:
    """“3 running, 1 off”, the most first."""
    return ", ".join(f"{number} {word}" for word, number in Counter(words).most_common())

"""The command bar of virtual machines: each verb, and where it can't be used, why."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.accounts.models import User
from apps.accounts.permissions import holds
from apps.operations.models import Operation
from apps.vms.choices import VMState
from apps.vms.lifecycle import ACTIONS, PowerVerb, refusal
from apps.vms.models import VirtualMachine

ICONS = {
    PowerVerb.START: "play",
    PowerVerb.SHUT_DOWN: "power",
    PowerVerb.TURN_OFF: "stop",
    PowerVerb.SAVE: "save",
    PowerVerb.PAUSE: "pause",
    PowerVerb.RESUME: "play",
    PowerVerb.RESTART: "restart",
}
#: Verbs that stand in the bar itself; the others are behind "More".
IN_BAR = (PowerVerb.START, PowerVerb.SHUT_DOWN, PowerVerb.TURN_OFF, PowerVerb.RESTART)


@dataclass(frozen=True)
class Command:
    verb: str
    label: str
    icon: str
    #: Why it can't be used now; empty where it can.
    why: str = ""
    #: What is asked before it is done; empty where nothing is lost by it.
    confirm: str = ""
    in_bar: bool = False

    @property
    def enabled(self) -> bool:
        return not self.why


def doing(operation: Operation) -> str:
    """What stands in a row while an operation works on it: “Starting…”, “Moving to n4, 62 %”."""
    known = {action.kind: action.doing for action in ACTIONS.values()}
    if operation.kind == "vm.move":
        words = f"Moving to {operation.parameters.get('host_name', 'another host')}"
    else:
        words = known.get(operation.kind, operation.title)
    return f"{words}, {operation.progress} %" if operation.progress else f"{words}…"


def commands_for(user: User, vms: Sequence[VirtualMachine]) -> list[Command]:
    """Power commands for the chosen VMs (none chosen: all there, none usable)."""
    if not holds(user, "vm", "operate"):
        return []
    return [_power(verb, vms) for verb in PowerVerb]


def _power(verb: PowerVerb, vms: Sequence[VirtualMachine]) -> Command:
    action = ACTIONS[verb]
    return Command(
        verb=verb,
        label=action.label,
        icon=ICONS[verb],
        why=_why(verb, vms),
        confirm=action.consequence,
        in_bar=verb in IN_BAR,
    )


def _why(verb: PowerVerb, vms: Sequence[VirtualMachine]) -> str:
    if not vms:
        return "Select a virtual machine first."
    fit = [vm for vm in vms if not refusal(ACTIONS[verb], vm.state)]
    if fit:
        return ""
    if len(vms) == 1:
        return refusal(ACTIONS[verb], vms[0].state)
    states = {VMState(vm.state).label.lower() for vm in vms}
    if len(states) == 1:
        return f"All {len(vms)} are {states.pop()}."
    return f"None of the {len(vms)} is in a state for it."

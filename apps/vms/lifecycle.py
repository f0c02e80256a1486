"""The life-cycle verbs of a virtual machine: from which states, to which, in which words."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from apps.common.errors import StateForbids
from apps.vms.choices import VMState


class PowerVerb(StrEnum):
    START = "start"
    SHUT_DOWN = "shut-down"
    TURN_OFF = "turn-off"
    SAVE = "save"
    PAUSE = "pause"
    RESUME = "resume"
    RESTART = "restart"


@dataclass(frozen=True)
class PowerAction:
    """`windows` is what Set-VMPowerState.ps1 calls it; `doing` stands in the row meanwhile."""

    verb: PowerVerb
    windows: str
    label: str
    doing: str
    done: str
    from_states: frozenset[VMState]
    to_state: VMState
    #: What people lose by it; asked before it is done. Empty where nothing is lost.
    consequence: str = ""

    @property
    def kind(self) -> str:
        return f"vm.{self.verb}"

    @property
    def step(self) -> str:
        return f"{self.label} virtual machine"


def _states(*states: VMState) -> frozenset[VMState]:
    return frozenset(states)


ACTIONS: Mapping[PowerVerb, PowerAction] = {
    action.verb: action
    for action in (
        PowerAction(
            PowerVerb.START, "Start", "Start", "Starting", "Started",
            _states(VMState.OFF, VMState.SAVED), VMState.RUNNING,
        ),
        PowerAction(
            PowerVerb.SHUT_DOWN, "ShutDown", "Shut down", "Shutting down", "Shut down",
            _states(VMState.RUNNING), VMState.OFF,
            "The guest is asked to shut down; open sessions end.",
        ),
        PowerAction(
            PowerVerb.TURN_OFF, "TurnOff", "Turn off", "Turning off", "Turned off",
            _states(
                VMState.RUNNING, VMState.PAUSED, VMState.STARTING, VMState.STOPPING,
                VMState.SAVING, VMState.PAUSING, VMState.RESUMING, VMState.CRITICAL,
            ),
            VMState.OFF,
            "As if the power was cut: what the guest hasn’t written is lost.",
        ),
        PowerAction(
            PowerVerb.SAVE, "Save", "Save", "Saving", "Saved",
            _states(VMState.RUNNING, VMState.PAUSED), VMState.SAVED,
        ),
        PowerAction(
            PowerVerb.PAUSE, "Pause", "Pause", "Pausing", "Paused",
            _states(VMState.RUNNING), VMState.PAUSED,
        ),
        PowerAction(
            PowerVerb.RESUME, "Resume", "Resume", "Resuming", "Resumed",
            _states(VMState.PAUSED), VMState.RUNNING,
        ),
        PowerAction(
            PowerVerb.RESTART, "Restart", "Restart", "Restarting", "Restarted",
            _states(VMState.RUNNING), VMState.RUNNING,
            "The guest is shut down and started again; open sessions end.",
        ),
    )
}  # fmt: skip


def refusal(action: PowerAction, state: str) -> str:
    """Why the state forbids the verb, or nothing where it doesn't."""
    if state in action.from_states:
        return ""
    if state == VMState.UNKNOWN:
        return "Its state isn’t known: its host hasn’t told for a while."
    fit = " or ".join(sorted(VMState(s).label.lower() for s in action.from_states))
    return f"It is {VMState(state).label.lower()}; to {action.label.lower()} it must be {fit}."


def require_state(action: PowerAction, name: str, state: str) -> None:
    why = refusal(action, state)
    if why:
        raise StateForbids(
            f"{name} can’t be {action.done.lower()}. {why}",
            hint="Refresh the cluster if the state shown is old.",
        )

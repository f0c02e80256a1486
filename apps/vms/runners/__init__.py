"""What operations on virtual machines do on a host; the only part of this room that calls one."""

from apps.operations import runners
from apps.vms.lifecycle import ACTIONS
from apps.vms.runners import checkpoints, detail, hardware, moves, power, removal


def register() -> None:
    """Makes every kind known to `operations`; called once, when the app is ready."""
    for action in ACTIONS.values():
        runners.register(power.runner_for(action))
    for runner in (
        moves.MOVE,
        moves.MOVE_STORAGE,
        hardware.EDIT,
        removal.DELETE,
        checkpoints.TAKE,
        checkpoints.APPLY,
        checkpoints.DELETE,
        detail.READ,
    ):
        runners.register(runner)

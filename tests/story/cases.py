"""Every kind of operation as it is walked: its recipe, where doing it twice would show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apps.library import inspection
from apps.operations.models import Operation
from apps.vms import services as vms
from apps.vms.lifecycle import PowerVerb
from tests.recipes import RECIPES, Recipe
from tests.stage import Stage


@dataclass(frozen=True)
class Case:
    label: str
    ask: Callable[[Stage], Operation]
    repeats: frozenset[str] = frozenset()


def _long_running(ask: Callable[[Stage], Operation]) -> Callable[[Stage], Operation]:
    """On a machine that has run for an hour: what stops it shows."""

    def asked(stage: Stage) -> Operation:
        stage.set_vm("Running")
        with stage.world.locked():
            assert stage.machine is not None
            stage.machine.started_at -= LONG_AGO
        stage.read()
        return ask(stage)

    return asked


def _restart(stage: Stage) -> Operation:
    return vms.power(actor=stage.admin, vm=stage.vm, verb=PowerVerb.RESTART)


#: What hosts do anew to find something out: a catalog is written beside its disk.
LOOKS = frozenset({"Invoke-CimMethod", "Save-VolumeSignatureCatalog", "Remove-Item"})
#: What is made anew where it is only half there, or set to what it is already. What comes of it is
#: compared; machines, roles and provisionings aren't among them.
MAKES = frozenset({
    "New-Item", "Copy-Item", "New-VHD", "Remove-Item", "Set-VMProcessor", "Invoke-CimMethod",
    "New-ShieldedVMSpecializationDataFile",
})  # fmt: skip
REPEATS = {
    inspection.INSPECT: LOOKS,
    inspection.CHECK_PAIR: LOOKS,
    "deployment.deploy (shielded)": MAKES,
    "deployment.deploy (from sizes)": MAKES,
    "deployment.batch": MAKES,
    "vm.move-storage": frozenset({"Invoke-CimMethod"}),  # the job’s process, where it was ended
}
LONG_AGO = 3600.0
RECIPE = {recipe.label: recipe.ask for recipe in RECIPES}
ASKED = {
    "vm.restart": _long_running(_restart),
    "vm.checkpoint-apply": _long_running(RECIPE["vm.checkpoint-apply"]),
}


def _case(recipe: Recipe) -> Case:
    repeats = REPEATS.get(recipe.label, frozenset())
    return Case(recipe.label, ASKED.get(recipe.label, recipe.ask), repeats)


CASES: tuple[Case, ...] = tuple(map(_case, RECIPES))

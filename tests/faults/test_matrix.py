"""A sample of the fault matrix; `make faults` runs all of it and writes docs/faults.md."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from apps.operations import runners
from apps.remoting import scripts
from tests.faults import table
from tests.faults.catalogue import FAULTS
from tests.faults.cells import all_cells, judge
from tests.faults.patience import short
from tests.faults.readings import READINGS
from tests.faults.sample import sample
from tests.recipes import RECIPES
from tests.stage import execute, stage

PARTS = 3
#: Run within other scripts or jobs, or not by an operation at all.
NOT_CALLED = {"Enter-PortalSession", "Invoke-PortalSession", "Invoke-HostJob"}
#: Of detached jobs, whose own tests are in tests/remoting/test_jobs.py.
JOBS = {"Start-HostJob", "Get-HostJob", "Stop-HostJob", "Remove-HostJob"}

#: Of `manage.py check_host`, which a person runs and which tells each failure as a line of its own.
CHECKS = {
    "Get-ClassGaps", "Get-CommandGaps", "Get-HostJobFacts", "Get-HostQuotas", "Get-ProcessFacts",
    "Get-SessionEcho", "Get-SessionFacts", "Get-SessionTicks", "Test-ErrorRecord",
}  # fmt: skip


def test_every_kind_of_operation_has_a_recipe() -> None:
    kinds = {kind for kind in runners.kinds() if not kind.startswith("test.")}  # other tests' own

    assert {recipe.kind for recipe in RECIPES} == kinds


def test_every_script_is_struck_by_every_fault_of_scripts() -> None:
    struck = {script for row in (*RECIPES, *READINGS) for script in row.scripts}

    assert struck == {script.name for script in scripts.catalogue()} - NOT_CALLED - JOBS - CHECKS


def test_the_sample_holds_every_row_and_every_fault() -> None:
    found = sample()

    assert {cell.fault.name for cell in found} == {fault.name for fault in FAULTS}
    rows = {row.label for row in (*RECIPES, *READINGS)}
    assert {cell.row.label for cell in found} == rows - set(table.alone())
    assert table.alone() == ["library.verify"]


def test_the_page_is_of_these_faults_and_rows() -> None:
    text = table.PAGE.read_text(encoding="utf-8")

    assert "\n".join(table.header()) in text
    unknown = [cell.name for cell in all_cells() if table.written(text, cell) in ("", " ")]
    assert not unknown, "run make faults"
    assert table.UNEXPECTED not in "".join(text.split("```")[1::2])


@pytest.mark.django_db(transaction=True)
def test_recipes_do_what_they_say_where_nothing_goes_wrong(tmp_path: Path) -> None:
    with stage(tmp_path) as here:
        for recipe in RECIPES:
            here.begin()
            operation = recipe.ask(here)
            here.world.script_calls.clear()
            here.world.cmdlet_calls.clear()
            execute(operation)

            assert operation.status == "succeeded", (recipe.label, operation.error)
            assert recipe.reached(here), recipe.label
            assert set(here.world.script_calls) - JOBS == set(recipe.scripts), recipe.label
            assert not recipe.effect or here.world.cmdlet_calls[recipe.effect] == 1, recipe.label


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", range(PARTS))
def test_cells_of_the_sample_end_as_they_are_to(tmp_path: Path, part: int) -> None:
    text = table.PAGE.read_text(encoding="utf-8")
    wrong = []
    with stage(tmp_path) as here, short() as patience:
        for cell in sample()[part::PARTS]:
            found = judge(here, patience, cell)
            wrong += [f"{cell.name}: {fault}" for fault in found.faults]
            if len(cell.allowed) == 1 and table.written(text, cell) != table.LETTERS[found.end]:
                wrong.append(f"{cell.name} ended {found.end}; docs/faults.md says otherwise")

    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif("FAULTS_PART" not in os.environ, reason="make faults runs the whole matrix")
@pytest.mark.django_db(transaction=True)
def test_every_cell(tmp_path: Path) -> None:
    """One part of the whole matrix, as FAULTS_PART (2/3) says; each cell a line of FAULTS_OUT."""
    part, parts = map(int, os.environ["FAULTS_PART"].split("/"))
    wanted = os.environ.get("FAULTS_ONLY", "").split("|")
    cells = [cell for cell in all_cells() if any(w in cell.name for w in wanted)][part::parts]
    with (
        Path(os.environ["FAULTS_OUT"]).open("a", encoding="utf-8") as out,
        stage(tmp_path) as here,
        short() as patience,
    ):
        for cell in cells:
            try:
                found = judge(here, patience, cell)
                row = {"cell": cell.name, "end": found.end, "faults": found.faults}
            except Exception as error:  # one cell's fault must not hide the others
                row = {"cell": cell.name, "end": "", "faults": [f"{type(error).__name__}: {error}"]}
                patience.end()
            out.write(json.dumps(row) + "\n")
            out.flush()
        out.write(json.dumps({"allowed": patience.allowed}) + "\n")

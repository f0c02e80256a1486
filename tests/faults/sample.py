"""The cells that every test run tries: each row and each fault at least once, always the same."""

from __future__ import annotations

from tests.faults.catalogue import FAULTS
from tests.faults.cells import Cell, all_cells

STRIDE = 7  # neighbours in the list are alike


def sample() -> list[Cell]:
    by_fault = {fault.name: [c for c in all_cells() if c.fault is fault] for fault in FAULTS}
    found: list[Cell] = []
    seen: set[str] = set()
    for number, fault in enumerate(FAULTS):
        cells = by_fault[fault.name]
        fresh = [cell for cell in cells if cell.line not in seen] or cells
        found.append(fresh[number * STRIDE % len(fresh)])
        seen.add(found[-1].line)
    for cell in all_cells():  # those that no fault's turn came to
        if cell.row.label not in {one.row.label for one in found}:
            found.append(cell)
    return found

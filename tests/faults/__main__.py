"""The whole fault matrix, and docs/faults.md from it.

usage: python -m tests.faults [words that the cells' names hold, others|after a bar]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

PROCESSES = 4  # they wait for time-outs more than they work
TEST = "tests/faults/test_matrix.py::test_every_cell"


def main(wanted: str) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    from tests.faults import table
    from tests.faults.cells import all_cells

    words = wanted.split("|")
    total = sum(any(word in cell.name for word in words) for cell in all_cells())
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fabric-faults-") as folder:
        rows = list(_run(Path(folder), wanted, total))
        rows = list(_second_try(Path(folder), rows))
    cells = [row for row in rows if "cell" in row]
    ends = {row["cell"]: row["end"] for row in cells}
    wrong = [f"{row['cell']}: {fault}" for row in cells for fault in row["faults"]]
    ends = _kept(table, all_cells()) | ends if wanted else ends
    text = table.page(ends)
    _say(text)
    _say(f"Took {time.monotonic() - began:.0f} s. Allowed: {_longest(rows)}")
    _say("\n".join([f"{len(wrong)} of {total} cells are not as they should be.", *wrong]))
    if len(ends) == len(all_cells()) and not wrong:
        table.PAGE.write_text(text, encoding="utf-8")
        _say(f"Written: {table.PAGE}")
    _say(str(dict(Counter(ends.values()))))
    return 1 if wrong or len(cells) != total else 0


def _second_try(folder: Path, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Cells that came out otherwise are tried once more, one at a time: four processes make time
    short. Both ends are told; the second counts."""
    wrong = [row["cell"] for row in rows if row.get("faults")]
    yield from (row for row in rows if row.get("cell") not in wrong)
    if not wrong:
        return
    first = {row["cell"]: row["faults"] for row in rows if "cell" in row}
    _say("\n".join(f"Once more: {cell}: {'; '.join(map(str, first[cell]))}" for cell in wrong))
    yield from (
        row for row in _run(folder, "|".join(wrong), 1) if row.get("cell", wrong[0]) in wrong
    )


def _kept(table: Any, cells: Any) -> dict[str, str]:
    """What the page has of cells that aren't run this time."""
    text = table.PAGE.read_text(encoding="utf-8")
    codes = {letter: code for code, letter in table.LETTERS.items()}
    letters = {cell.name: table.written(text, cell) for cell in cells}
    return {name: codes[letter] for name, letter in letters.items() if letter in codes}


def _run(folder: Path, wanted: str, total: int) -> Iterator[dict[str, Any]]:
    """Every cell's row, from processes that have a lab and a database each."""
    processes = min(PROCESSES, total)
    files = [folder / f"{part}.jsonl" for part in range(processes)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST],
            env=os.environ
            | {
                "FAULTS_PART": f"{part}/{processes}",
                "FAULTS_OUT": str(file),
                "FAULTS_ONLY": wanted,
            },
            stdout=(folder / f"{part}.log").open("w"),
            stderr=subprocess.STDOUT,
        )
        for part, file in enumerate(files)
    ]
    for part, process in enumerate(running):
        if process.wait():
            _say((folder / f"{part}.log").read_text()[-3000:])
    for file in files:
        yield from map(json.loads, file.read_text().splitlines() if file.exists() else [])


def _longest(rows: list[dict[str, Any]]) -> dict[str, float]:
    """What callers allow each script that may take longer than two minutes."""
    longest: dict[str, float] = {}
    for row in rows:
        for name, seconds in row.get("allowed", {}).items():
            longest[name] = max(longest.get(name, 0), seconds)
    return {name: seconds for name, seconds in sorted(longest.items()) if seconds > 120}


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))

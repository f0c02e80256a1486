"""The table of outcomes as docs/faults.md holds it: written, and read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.faults import catalogue
from tests.faults.catalogue import FAULTS, SCRIPT, WIRE, Fault
from tests.faults.cells import Cell, all_cells
from tests.faults.readings import SAID
from tests.recipes import RECIPES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
LETTERS = {
    catalogue.OK: ".",
    catalogue.UNREACHABLE: "U",
    catalogue.TIMED_OUT: "T",
    catalogue.SIGN_IN: "S",
    catalogue.BAD_REPLY: "B",
    catalogue.REFUSED: "R",
    catalogue.CRASHED: "C",
    catalogue.TOO_LARGE: "L",
    catalogue.BUSY: "Y",
    catalogue.INCOMPLETE: "I",
    catalogue.JOB_LOST: "J",
    SAID: "!",
}
NOT_THERE, UNEXPECTED = " ", "?"
PASSES = {
    "never": "no",
    "reading": "where only reading was struck",
    "maybe": "as it happens",
    "always": "yes",
}
HEAD = """\
# What happens when a host fails

Written by `make faults`; don't edit. Each kind of operation, and everything that reads hosts, meets
each fault at the lab's sockets or in its scripts ([lab-faults.md](lab-faults.md)). Of every cell is
held: it ends, with one of the codes below; message and hint are there; nothing was done twice; no
more shells than the quota are open, and none is left; no secret shows; the next reading succeeds;
a retry comes to what was asked for.

The code is the class of the message: its words are in `apps/remoting/errors.py` and
`apps/remoting/translation.py`, and name the host, the step and the script. `script-refused` ends an
operation as `failed`, everything else as `errored`.

What runs as a job of the host's own (`apps/operations/jobs.py`) is asked for again while the host
is silent, and begun again where its process was lost: what happens once is not noticed, and
`job-lost` is what was lost three times. After its first step a deployment waits for a host that is
cut off.
"""


def column(fault: Fault) -> str:
    group, letter = (WIRE, "W") if fault in WIRE else (SCRIPT, "S")
    return f"{letter}{group.index(fault) + 1:02}"


def header() -> list[str]:
    """The faults, with what they may lead to."""
    lines = ["| | fault | what the host does | may end as | unnoticed |", "|---|---|---|---|---|"]
    for fault in FAULTS:
        codes = ", ".join(f"`{code}`" for code in fault.codes) or "–"
        lines.append(
            f"| {column(fault)} | {fault.name} | {fault.told} | {codes} | {PASSES[fault.passes]} |"
        )
    return lines


def alone() -> list[str]:
    """Kinds that nothing of a host can befall."""
    return [row.label for row in RECIPES if not row.scripts and not row.guardian]


def lines_of(group: Iterable[Fault], ends: Mapping[str, str]) -> list[str]:
    """A line for each row of the matrix, a letter for each fault of the group."""
    group = tuple(group)
    rows: dict[str, dict[str, str]] = {}
    for cell in all_cells():
        if cell.fault in group:
            letter = LETTERS.get(ends.get(cell.name, ""), UNEXPECTED)
            rows.setdefault(cell.line, {})[cell.fault.name] = letter
    width = _width(group)
    return [
        f"{line:{width}}  " + "".join(found.get(fault.name, NOT_THERE) for fault in group).rstrip()
        for line, found in rows.items()
    ]


def page(ends: Mapping[str, str]) -> str:
    """docs/faults.md for the ends of all cells by their names."""
    legend = ", ".join(f"`{letter}` {code}" for code, letter in LETTERS.items())
    counts = Counter(ends.values())
    total = ", ".join(f"{code} {counts[code]}" for code in LETTERS if counts[code])
    parts = [
        HEAD,
        *header(),
        "",
        f"Letters: {legend} (a reading that tells of the failure in its own words).",
        "",
        "## The wire: W01 and on",
        "",
        "```",
        *lines_of(WIRE, ends),
        "```",
        "",
        "## Scripts: S01 and on, by the script that is struck",
        "",
        "```",
        *lines_of(SCRIPT, ends),
        "```",
        "",
        f"{len(ends)} cells: {total}. {', '.join(alone())} asks neither a host nor a guardian.",
        "",
    ]
    return "\n".join(parts)


def written(text: str, cell: Cell) -> str:
    """The letter that a page has for a cell; "" where the page doesn't know it."""
    group = WIRE if cell.fault in WIRE else SCRIPT
    block = text.split("```")[1::2][0 if group is WIRE else 1]
    width = _width(group)
    for line in block.splitlines():
        if line[:width].rstrip() == cell.line:
            place = width + 2 + group.index(cell.fault)
            return line[place : place + 1]
    return ""


def _width(group: Iterable[Fault]) -> int:
    """How wide the names of a group's lines are."""
    names = {fault.name for fault in group}
    return max(len(cell.line) for cell in all_cells() if cell.fault.name in names)

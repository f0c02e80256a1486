"""The points at which the process that does an operation is killed, found by watching it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SENT, HELD, DROPPED, HALF, DONE, ANSWERED, COMMIT = (
    "before it is sent", "as it begins", "as it begins, and the host doesn’t do it",
    "amid its script, and the host does no more", "after the work, before the answer",
    "after the answer", "after commit",
)  # fmt: skip
#: Where the far end stands still while the worker is killed, and those where it doesn't go on.
STANDING = {HELD: "before", DROPPED: "before", HALF: "after", DONE: "after"}
GIVEN_UP = (DROPPED, HALF)
#: Where the host has done something that the next worker doesn't know of.
DONE_THERE = (HALF, DONE, ANSWERED)
#: Where the worker ends itself, and what it counts.
OWN = {SENT: "sent", ANSWERED: "answered", COMMIT: "commit"}


@dataclass(frozen=True)
class Point:
    """`number` counts calls (or commits) of the worker; `nth` the runs so far of that script, or
    of that cmdlet where it is killed amid a script."""

    where: str
    number: int
    script: str = ""
    nth: int = 1

    def __str__(self) -> str:
        if self.where == COMMIT:
            return f"{self.where} {self.number}"
        return f"{self.where}: {self.script}" + (f" ({self.nth})" if self.nth > 1 else "")


def all_of(steps: Sequence[Sequence[Any]], done: Mapping[str, int]) -> Iterator[Point]:
    """Every point of a run that was watched; `done` are the cmdlets that changed something."""
    runs: Counter[str] = Counter()
    calls = 0
    for kind, name in steps:
        if kind == "commit":
            yield Point(COMMIT, int(name))
            continue
        calls += 1
        runs[name] += 1
        for where in (SENT, HELD, DROPPED, DONE, ANSWERED):
            yield Point(where, calls, name, runs[name])
    for name, times in sorted(done.items()):
        for nth in range(1, times + 1):
            yield Point(HALF, 0, name, nth)


def sample(every: Sequence[Point], turn: int) -> list[Point]:
    """Two of them, others for each turn: one that is worst, and the other sorts in turn."""
    worst = [point for point in every if point.where in (DONE, HALF)] or every
    others = (COMMIT, HELD, ANSWERED, DROPPED, SENT)
    wanted = others[turn % len(others)]
    rest = [point for point in every if point.where == wanted] or every
    return [worst[turn * 7 % len(worst)], rest[turn * 5 % len(rest)]]

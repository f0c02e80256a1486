"""Each kind of operation, its worker killed at a point, taken up by another one.

Each test run walks a sample: every kind, every sort of point. `make kills` walks all points.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stage import Stage, stage
from tests.story import points, walking
from tests.story.cases import CASES
from tests.story.forking import Forks

pytestmark = pytest.mark.django_db(transaction=True)
PARTS = 4
ALL = "KILLS" in os.environ
#: Words that the labels of wanted cases hold, parted by bars.
ONLY = os.environ.get("KILLS", "").removeprefix("all").split("|")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as made:
        made.bring_samples()
        yield made


@pytest.fixture
def forks(here: Stage, tmp_path: Path) -> Iterator[Forks]:
    made = Forks(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("part", range(PARTS))
def test_what_a_killed_worker_did_is_ended_once_by_the_next(
    here: Stage, forks: Forks, part: int
) -> None:
    wrong = []
    for turn, case in list(enumerate(CASES))[part::PARTS]:
        if not any(word in case.label for word in ONLY):
            continue
        walk = walking.watch(here, forks, case)
        every = list(points.all_of(walk.steps, walk.done))
        for point in every if ALL else points.sample(every, turn):
            found = walking.kill(here, forks, walk, point)
            wrong += [f"{case.label}, killed {point}: {fault}" for fault in found.faults]

    assert not wrong, "\n".join(wrong)

"""A move of storage as a job of the host's: found again, followed, never begun twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.operations import jobs, patience
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.remoting import jobs as host_jobs
from apps.remoting.errors import SignInRefused
from tests.recipes import RECIPES
from tests.stage import Stage, execute, stage

pytestmark = pytest.mark.django_db(transaction=True)
RECIPE = next(recipe for recipe in RECIPES if recipe.kind == "vm.move-storage")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_server: None) -> Iterator[Stage]:
    monkeypatch.setattr(patience, "AGAIN_LATER", 0.5)
    with stage(tmp_path) as made:
        made.begin()
        yield made


def ask(here: Stage) -> Operation:
    operation = RECIPE.ask(here)
    here.world.script_calls.clear()
    here.world.cmdlet_calls.clear()
    return operation


def told(operation: Operation) -> str:
    return "\n".join(operation.events.order_by("seq").values_list("message", flat=True))


def lose_worker(monkeypatch: pytest.MonkeyPatch, function: str, *, after: bool) -> None:
    """The worker ends where it asks the host this, before it or as soon as it's answered."""
    plain = getattr(host_jobs, function)

    def ask(*given: object, **more: object) -> object:
        monkeypatch.setattr(host_jobs, function, plain)
        if after:
            plain(*given, **more)
        raise SystemExit

    monkeypatch.setattr(host_jobs, function, ask)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("function", ["start_job", "read_job", "remove_job"])
def test_a_worker_that_takes_over_finds_the_job_that_the_lost_one_began(
    here: Stage, monkeypatch: pytest.MonkeyPatch, function: str, after: bool
) -> None:
    operation = ask(here)
    lose_worker(monkeypatch, function, after=after)
    with pytest.raises(SystemExit):
        execute(operation)

    execute(operation)

    assert (operation.status, operation.attempt) == ("succeeded", 2), operation.error
    assert RECIPE.reached(here)
    assert here.world.cmdlet_calls["Move-VMStorage"] == 1
    assert not here.world.jobs


def test_a_host_that_restarts_each_time_is_given_up_after_three(here: Stage) -> None:
    operation = ask(here)
    here.spoil(faults=[{"on": "Move-VMFiles", "kind": "exit"}])

    execute(operation)

    assert (operation.status, operation.error["code"]) == ("errored", "job-lost")
    assert here.world.script_calls["Move-VMFiles"] == jobs.STARTS
    assert not here.world.jobs
    here.mend()
    assert execute(operations.retry(actor=here.admin, operation=operation)).status == "succeeded"


def test_a_job_that_takes_too_long_is_stopped(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = ask(here)
    here.spoil(faults=[{"on": "Move-VMStorage", "kind": "hang"}])
    monkeypatch.setattr(jobs._Job, "limit", 0.5)

    execute(operation)

    assert (operation.status, operation.error["code"]) == ("errored", "timed-out")
    assert not here.world.jobs


def test_a_host_that_never_answers_is_told_soon_when_nothing_was_done(
    here: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "BRIEF_SILENCE", 0.5)
    operation = ask(here)
    here.spoil(wire_faults=[{"kind": "refuse"}])

    execute(operation)

    assert (operation.status, operation.error["code"]) == ("errored", "unreachable")
    assert "doesn’t answer; it is asked again" in operation.steps[0]["message"]


def test_a_password_that_is_turned_down_is_not_tried_again(
    here: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation, asked = ask(here), []

    def read(*given: object, **more: object) -> None:
        asked.append(given)
        raise SignInRefused("No.")

    monkeypatch.setattr(host_jobs, "read_job", read)
    execute(operation)

    assert (operation.status, operation.error["code"]) == ("errored", "sign-in-refused")
    assert len(asked) == 1


def test_what_an_ended_operation_left_is_ended_by_the_next_one(
    here: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = ask(here)
    here.spoil(faults=[{"on": "Move-VMFiles", "kind": "hang"}])
    with monkeypatch.context() as patch:
        patch.setattr(host_jobs, "read_job", _refused)
        execute(operation)
    assert (operation.status, len(here.world.jobs)) == ("errored", 1)
    here.mend()

    again = execute(operations.retry(actor=here.admin, operation=operation))

    assert again.status == "succeeded", again.error
    assert "of an earlier try was ended on alpha-1" in told(again)
    assert not here.world.jobs


def _refused(*given: object, **more: object) -> None:
    raise SignInRefused("No.")


def test_a_move_that_is_done_already_answers_at_once(here: Stage) -> None:
    execute(ask(here))
    operation = ask(here)

    execute(operation)

    assert operation.status == "succeeded", operation.error
    assert here.world.cmdlet_calls["Move-VMStorage"] == 0


def test_the_transcript_of_a_lost_worker_isn_t_told_twice(
    here: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = ask(here)
    lose_worker(monkeypatch, "remove_job", after=False)
    with pytest.raises(SystemExit):
        execute(operation)

    execute(operation)

    assert told(operation).count("Moving the files of work to") == 1

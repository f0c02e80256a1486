from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.common.errors import OperationActive
from apps.operations import execution, services
from apps.operations.choices import Status
from apps.operations.context import Context
from apps.operations.errors import OperationFailed, Superseded
from apps.operations.models import Operation
from apps.remoting.errors import ScriptRefused, TimedOut, Unreachable
from tests.operations.conftest import request

pytestmark = pytest.mark.django_db


def run(operation: Operation) -> Operation:
    execution.execute(operation.pk)
    operation.refresh_from_db()
    return operation


def test_work_that_succeeds_ends_with_its_steps_result_events_and_audit_entries(work, admin):
    def two_steps(ctx: Context) -> dict[str, Any]:
        with ctx.step("One"):
            ctx.progress(40, "nearly half")
        with ctx.step("Two"):
            ctx.remember(found=7)
        return {"made": 1}

    work(two_steps)
    operation = run(request(actor=admin))

    assert (operation.status, operation.progress) == (Status.SUCCEEDED, 100)
    assert operation.result == {"found": 7, "made": 1}
    assert [step["status"] for step in operation.steps] == ["succeeded", "succeeded"]
    assert operation.created_at <= operation.started_at <= operation.ended_at
    numbers = list(operation.events.values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    outcomes = AuditEntry.objects.order_by("index").values_list("outcome", flat=True)
    assert list(outcomes) == ["requested", "succeeded"]


def refused(ctx: Context) -> None:
    with ctx.step("One"):
        raise ScriptRefused("The host refused.", host_message="Not enough memory in the system.")


def unreachable(ctx: Context) -> None:
    with ctx.step("One"):
        raise Unreachable("hv-1 doesn't answer.", step="tcp")


def timed_out(ctx: Context) -> None:
    raise TimedOut("It took too long.")


def against_a_rule(ctx: Context) -> None:
    raise OperationFailed("too-late", "It is too late.", "Come earlier.")


def our_fault(ctx: Context) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("runner", "status", "code"),
    [
        (refused, Status.FAILED, "script-refused"),
        (against_a_rule, Status.FAILED, "too-late"),
        (unreachable, Status.ERRORED, "unreachable"),
        (timed_out, Status.ERRORED, "timed-out"),
        (our_fault, Status.ERRORED, "internal"),
    ],
)
def test_a_no_of_the_host_is_failed_and_everything_else_errored_always_with_a_hint(
    work, runner, status, code
):
    work(runner)

    operation = run(request())

    assert (operation.status, operation.error["code"]) == (status, code)
    assert operation.error["message"]
    assert operation.error["hint"]
    assert "running" not in {step["status"] for step in operation.steps}
    if code == "script-refused":
        assert operation.error["host_message"] == "Not enough memory in the system."
        assert operation.steps[0]["status"] == "failed"


def test_an_operation_is_done_once_however_often_it_is_sent(work):
    done = []
    work(lambda ctx: done.append(1))
    operation = request()

    for _ in range(3):
        run(operation)

    assert done == [1]


def test_a_second_operation_on_the_same_target_is_refused_naming_the_first(work):
    work(lambda ctx: None)
    first = request()

    with pytest.raises(OperationActive) as refusal:
        request()

    assert refusal.value.extra["operation"]["id"] == str(first.pk)
    run(first)
    assert request().status == Status.QUEUED


def test_a_read_beside_exclusive_work_is_taken(work):
    work(lambda ctx: None)
    request()

    assert request(exclusive=False).pk


def test_a_cancel_between_steps_stops_it_there(work, admin):
    def steps(ctx: Context) -> None:
        with ctx.step("One"):
            services.cancel(actor=admin, operation=ctx.operation)
        with ctx.step("Two"):
            raise AssertionError("It went on.")

    work(steps)
    operation = run(request(actor=admin))

    assert operation.status == Status.CANCELLED
    assert [step["status"] for step in operation.steps] == ["succeeded", "pending"]
    assert operation.error["code"] == "cancelled"


def test_a_cancel_that_comes_after_the_work_leaves_it_succeeded(work, admin):
    work(lambda ctx: services.cancel(actor=admin, operation=ctx.operation) and None)

    assert run(request(actor=admin)).status == Status.SUCCEEDED


def test_a_worker_whose_row_was_given_away_changes_nothing_any_more(work):
    def loses_it(ctx: Context) -> None:
        with ctx.step("One"):
            Operation.objects.filter(pk=ctx.operation.pk).update(worker="another")
            with pytest.raises(Superseded):
                ctx.remember(mine=True)
            ctx.check_cancelled()

    work(loses_it)
    operation = run(request())

    assert (operation.status, operation.worker) == (Status.RUNNING, "another")
    assert operation.result is None


def test_what_follows_an_end_is_part_of_it_and_a_fault_there_does_not_undo_it(work):
    seen = []

    def after(operation: Operation) -> None:
        seen.append(operation.status)
        raise ZeroDivisionError

    work(lambda ctx: None, after=after)

    assert run(request()).status == Status.SUCCEEDED
    assert seen == [Status.SUCCEEDED]

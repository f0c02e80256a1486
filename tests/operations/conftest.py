"""Kinds of operations that tests register, and operations made of them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from apps.accounts.models import User
from apps.operations import execution, runners, services
from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.operations.models import Operation
from apps.operations.runners import Runner

KIND = "test.work"


def request(**changes: Any) -> Operation:
    """A queued operation on a target, as a service would ask for it."""
    asked: dict[str, Any] = {
        "actor": None,
        "kind": KIND,
        "target_kind": "thing",
        "target_id": "7",
        "target_name": "thing-7",
        "title": "Work on thing-7",
    }
    with transaction.atomic():
        return services.request(**asked | changes)


@pytest.fixture
def work() -> Iterator[Callable[..., Runner]]:
    """Registers what an operation of the kind does; taken out again when the test is over."""

    def register(run: Callable[[Context], Any], **more: Any) -> Runner:
        runner = Runner(kind=KIND, steps=more.pop("steps", ("One", "Two")), run=run, **more)
        runners.register(runner)
        return runner

    yield register
    runners.forget(KIND)


def fails(ctx: Context) -> None:
    with ctx.step("One"):
        raise OperationFailed("no", "It said no.", "Ask nicely.", "<b>Windows' words</b>")


@pytest.fixture
def failed(work: Callable[..., Runner], admin: User) -> Operation:
    """An operation that has failed."""
    work(fails)
    operation = request(actor=admin)
    execution.execute(operation.pk)
    return operation

"""Which runner does which kind of operation. Domain rooms register theirs when they are ready."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.operations.context import Context
    from apps.operations.models import Operation


@dataclass(frozen=True)
class Runner:
    """How operations of a kind are done.

    `steps` are what people see from the beginning. `resumable`: running it again from the start is
    right when a worker died in the middle, because each step finds out what is done already.
    `after` is called in the transaction that ends an operation, however it ended. `again` makes the
    retry of an ended operation where a plain copy of it isn't enough: again(actor=, operation=).
    `permission` is a (noun, action) that whoever retries or cancels has to hold.
    """

    kind: str
    steps: tuple[str, ...]
    run: Callable[[Context], dict[str, Any] | None]
    resumable: bool = True
    after: Callable[[Operation], None] | None = None
    again: Callable[..., Operation] | None = None
    permission: tuple[str, str] | None = None


_runners: dict[str, Runner] = {}


def register(runner: Runner) -> None:
    """Makes a kind known. A kind has one runner."""
    known = _runners.get(runner.kind)
    if known is not None and known is not runner:
        raise ValueError(f"Two runners for {runner.kind}.")
    _runners[runner.kind] = runner


def find(kind: str) -> Runner | None:
    return _runners.get(kind)


def forget(kind: str) -> None:
    """Takes a kind out again."""
    _runners.pop(kind, None)


def kinds() -> list[str]:
    return sorted(_runners)

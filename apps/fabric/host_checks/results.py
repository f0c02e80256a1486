"""What became of each check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from apps.fabric.host_checks.catalogue import Check, catalogue
from apps.remoting.errors import Busy, RemotingError

NOT_TRIED = "What comes before it has to work first."


class Status(StrEnum):
    OK = "ok"
    DIFFERS = "differs"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Result:
    """`found` in words; "" in place of nothing to tell. `row` of docs/windows.md."""

    check: Check
    status: Status
    found: str

    @property
    def row(self) -> str:
        return f"docs/windows.md, {self.check.section}: {self.check.id}"

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self.check), "status": str(self.status), "found": self.found,
                "row": self.row}  # fmt: skip


class Results:
    """One host's, in the catalogue's order; what nobody told of was not tried."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[Status, str]] = {}
        self._known = {check.id for check in catalogue()}

    def tell(self, id: str, ok: bool, found: str) -> None:
        """Once for each id; KeyError for one that the catalogue lacks."""
        if id not in self._known:
            raise KeyError(id)
        self._told[id] = (Status.OK if ok else Status.DIFFERS, found)

    def attempt(self, ids: tuple[str, ...], try_out: Callable[[], None]) -> bool:
        """Runs a try that tells of these ids, and tells of those that an error kept it from."""
        try:
            try_out()
        except RemotingError as error:
            status = Status.NOT_TRIED if isinstance(error, Busy) else Status.DIFFERS
            words = " ".join(part for part in (error.message, error.host_message) if part)
            for id in ids:
                self._told.setdefault(id, (status, words))
            return False
        except (KeyError, TypeError, ValueError) as error:  # a host's answer of another shape
            words = f"an answer that can't be read: {type(error).__name__} {error}"
            for id in ids:
                self._told.setdefault(id, (Status.DIFFERS, words))
            return False
        return True

    def all(self) -> list[Result]:
        missing = (Status.NOT_TRIED, NOT_TRIED)
        return [Result(check, *self._told.get(check.id, missing)) for check in catalogue()]

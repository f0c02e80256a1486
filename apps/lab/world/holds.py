"""Scripts and cmdlets that stand still at a given point: a test does something meanwhile.

Not a fault: the host hears, and goes on when it is let go, whether or not its client still lives.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: As a host goes on that is let go: it does its work; or it doesn't, as one that was restarted.
GO, DROP = "go", "drop"
RELEASES = (GO, DROP)


@dataclass(eq=False)
class Hold:
    """Holds the `nth` run (from 1) of the script or cmdlet named `on`: `when` is before anything is
    done, or after all of it is, with the answer unsent. `state`: waiting, held, go, drop, over."""

    on: str
    nth: int
    when: str
    state: str = "waiting"


class Dropped(Exception):
    """The script is not to go on; `is_done` where what it was held at has done its work."""

    def __init__(self, *, is_done: bool) -> None:
        super().__init__()
        self.is_done = is_done


class Holds:
    """The holds of a world; runs of scripts are counted from the setting of one on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rows: list[Hold] = []
        self._runs: Counter[str] = Counter()

    def set(self, on: str, nth: int = 1, when: str = "before") -> Hold:
        with self._changed:
            row = Hold(on, nth, when)
            self._rows.append(row)
            self._runs[on] = 0
            return row

    def release(self, on: str, way: str = GO) -> None:
        """Lets what is held there go; one that nothing has reached is forgotten."""
        with self._changed:
            self._let_go([row for row in self._rows if row.on == on], way)

    def clear(self) -> None:
        """Nothing is held, nothing goes on."""
        with self._changed:
            self._let_go(self._rows, DROP)
            self._rows = []
            self._runs.clear()

    def _let_go(self, rows: list[Hold], way: str) -> None:
        for row in rows:
            row.state = {"waiting": "over", "held": way}.get(row.state, row.state)
        self._changed.notify_all()

    def rows(self) -> list[Hold]:
        with self._changed:
            return list(self._rows)

    def wait(self, row: Hold, states: tuple[str, ...], seconds: float) -> bool:
        """Whether a hold comes into one of the states in time."""
        with self._changed:
            return self._changed.wait_for(lambda: row.state in states, seconds)

    @contextmanager
    def run(self, name: str) -> Iterator[Callable[[str], None]]:
        """One run of a script or cmdlet; what it is given is called before and after its work."""
        with self._changed:
            self._runs[name] += 1
            mine = [r for r in self._rows if r.on == name and r.nth == self._runs[name]]

        def meet(when: str) -> None:
            for row in mine:
                if row.when == when:
                    self._stand(row)

        try:
            yield meet
        finally:
            with self._changed:
                for row in mine:
                    row.state = "over"
                self._changed.notify_all()

    def _stand(self, row: Hold) -> None:
        with self._changed:
            if row.state != "waiting":
                return
            row.state = "held"
            self._changed.notify_all()
            self._changed.wait_for(lambda: row.state != "held")
            if row.state == DROP:
                raise Dropped(is_done=row.when == "after")

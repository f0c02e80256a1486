"""What a batch comes to: a plan for each line, a host for each plan, what is wrong in a cell."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apps.common.errors import FieldError
from apps.fabric.models import Host
from apps.vms.deployments import checks
from apps.vms.deployments.batch import table
from apps.vms.deployments.batch.table import HOST, NAME, Line
from apps.vms.deployments.checks import Check
from apps.vms.deployments.plans import Plan
from apps.vms.placements import Placement


@dataclass(frozen=True)
class Order:
    """So many machines of one plan; `plan.name` and its values are those of no machine."""

    plan: Plan
    lines: Sequence[Line]
    #: What was wrong with the table before it was one.
    unreadable: Sequence[FieldError] = ()


@dataclass
class Trial:
    """An order tried out. `machines` are plans with the host that each would be made on, or None;
    `errors` are about cells, `checks` about all machines.
    """

    checks: list[Check]
    placements: list[Placement]
    machines: list[tuple[Plan, Host | None]] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.errors and all(check.ok for check in self.checks)


def try_out(order: Order) -> Trial:
    """Looks at every line; asks no host and changes nothing."""
    number = len(order.lines)
    trial = Trial(checks.of_many(order.plan, max(1, number)), order.plan.placements())
    trial.errors += order.unreadable
    if number > table.MOST:
        trial.errors.append(table.too_many(number))
        return trial
    if not number and not trial.errors:
        message = "Name at least one machine."
        trial.errors.append(FieldError("rows", "required", message))
    trial.errors += _twice(order.lines)
    spread = _Spread(trial.placements, order.plan.demand.memory_bytes)
    for position, line in enumerate(order.lines):
        plan = dataclasses.replace(
            order.plan, name=line.name, specialization=dict(line.values), host=None
        )
        trial.errors += _cells(position, line, plan)
        host, reason = spread.place(line.host)
        if reason:
            trial.errors.append(table.error(position, HOST, "placement-refused", reason))
        trial.machines.append((plan, host))
    return trial


def _twice(lines: Sequence[Line]) -> list[FieldError]:
    """Names are one machine's, whatever their case."""
    first: dict[str, int] = {}
    wrong = []
    for position, line in enumerate(lines):
        before = first.setdefault(line.name.casefold(), position)
        if before != position and line.name:
            message = f"Line {before + 1} has that name already."
            wrong.append(table.error(position, NAME, "taken", message))
    return wrong


def _cells(position: int, line: Line, plan: Plan) -> list[FieldError]:
    wrong = []
    for check in checks.of_one(plan):
        if check.ok:
            continue
        column = NAME if check.field == NAME else _key_in(check.message, plan, line.values)
        wrong.append(table.error(position, column, check.code, check.message))
    return wrong


def _key_in(message: str, plan: Plan, values: Mapping[str, Any]) -> str:
    """Which value a check speaks of."""
    asked = plan.shielding_data.substitution_keys if plan.shielding_data else ()
    return next((key for key in [*asked, *values] if key in message), "")


class _Spread:
    """Places machines one after the other: on the allowed host that got fewest of them, of those
    the one with most memory to spare beside them.
    """

    def __init__(self, places: Sequence[Placement], memory_bytes: int) -> None:
        self.places, self.memory = list(places), memory_bytes
        self.given: Counter[UUID] = Counter()

    def place(self, wanted: str) -> tuple[Host | None, str]:
        """The host, and why there is none."""
        if not wanted:
            return self._any()
        named = [
            place for place in self.places
            if wanted.casefold() in (place.host.name.casefold(), str(place.host.pk))
        ]  # fmt: skip
        if not named:
            return None, f"The cluster has no host {wanted[:64]}."
        if not named[0].allowed:
            return None, " ".join(f"{one.message} {one.fix}" for one in named[0].reasons)
        if not self._fits(named[0].host):
            return None, f"{named[0].host.name} has no memory for it beside the lines above."
        return self._take(named[0].host), ""

    def _any(self) -> tuple[Host | None, str]:
        allowed = [place.host for place in self.places if place.allowed]
        if not allowed:
            reasons = [reason.message for place in self.places for reason in place.reasons]
            return None, f"No host can take it. {' '.join(dict.fromkeys(reasons))}".strip()
        fit = [host for host in allowed if self._fits(host)]
        if not fit:
            return None, "No host has memory for it beside the lines above."
        return self._take(min(fit, key=lambda one: (self.given[one.pk], -self._spare(one)))), ""

    def _spare(self, host: Host) -> int:
        return (host.memory_available_bytes or 0) - self.given[host.pk] * self.memory

    def _fits(self, host: Host) -> bool:
        return self._spare(host) >= self.memory

    def _take(self, host: Host) -> Host:
        self.given[host.pk] += 1
        return host

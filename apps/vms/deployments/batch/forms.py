"""The form of many machines: a deployment's, with a table in place of its name, host and values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.accounts.models import User
from apps.common.errors import FieldError
from apps.fabric.models import Host
from apps.vms.deployments.batch import table
from apps.vms.deployments.batch.planning import Order
from apps.vms.deployments.batch.table import HOST, NAME, Line
from apps.vms.deployments.forms import FIELDS, DeploymentForm, uuid_or_none, words_of

#: Lines of a table that nobody has filled in yet, and how many more are added at once.
FIRST = 5


@dataclass
class Cell:
    """One input of the table."""

    name: str
    label: str
    value: str
    errors: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"id_{self.name}"


class BatchForm(DeploymentForm):
    """`cells` are the inputs of the table, line by line; `general` is what is wrong with it all."""

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, user: User, initial: Any = None
    ) -> None:
        super().__init__(data, user=user, initial=initial)
        for name in ("name", "host"):
            del self.fields[name]
        self.general: list[str] = []
        self._wrong: dict[str, list[str]] = {}
        source: Any = self.data if self.is_bound else self.initial
        self.lines = list(_lines(source, self.columns))

    def _ask_values(self) -> None:
        """The values are columns of the table."""
        data = self.shielding_data
        self.keys = {}
        self.columns = [NAME, HOST, *(data.substitution_keys if data else ())]

    @property
    def heads(self) -> list[str]:
        words = {NAME: "Name", HOST: "Host"}
        return [words.get(column) or words_of(column) for column in self.columns]

    @property
    def hosts(self) -> list[Host]:
        cluster = uuid_or_none(self._said("cluster"))
        return list(Host.objects.filter(cluster=cluster).order_by("name"))

    def fill(self, text: str) -> None:
        """Puts the lines of a CSV in place of those that are there."""
        lines, unreadable = table.read(text, self.columns[2:])
        self.general += [one.message for one in unreadable]
        if lines:
            self.lines = lines

    def add(self, number: int) -> None:
        """More lines to fill in, up to as many as may be asked for."""
        more = min(number, table.MOST - len(self.lines))
        self.lines += [Line("") for _ in range(more)]

    def order(self) -> Order:
        """What a valid form asks for. Lines of which nothing is filled in are no machines."""
        self.lines = [line for line in self.lines if _is_filled(line)]
        return Order(self._plan({"name": ""} | self.cleaned_data), self.lines)

    def tell(self, errors: Iterable[FieldError]) -> None:
        """Puts what is wrong beside its cell or field, and the rest above the table."""
        for one in errors:
            if one.field.startswith("rows["):
                self._wrong.setdefault(one.field, []).append(one.message)
                continue
            name = FIELDS.get(one.field, one.field)
            if one.field == "template_disk" and self.chosen_pair is not None:
                name = "pair"
            if self.is_bound and name in self.fields:
                self.add_error(name, one.message)
            else:
                self.general.append(one.message)

    @property
    def cells(self) -> list[list[Cell]]:
        return [
            [
                Cell(
                    name=f"row-{number}-{place}",
                    label=f"{head}, line {number + 1}",
                    value=_value(line, column),
                    errors=self._wrong.get(table.error(number, column, "", "").field, []),
                )
                for place, (column, head) in enumerate(zip(self.columns, self.heads, strict=True))
            ]
            for number, line in enumerate(self.lines)
        ]

    @property
    def wrong(self) -> int:
        """In how many cells something is wrong."""
        return len(self._wrong)


def _is_filled(line: Line) -> bool:
    return bool(line.name.strip() or line.host or any(line.values.values()))


def _value(line: Line, column: str) -> str:
    if column == NAME:
        return line.name
    return line.host if column == HOST else line.values.get(column, "")


def _lines(source: Any, columns: list[str]) -> Iterable[Line]:
    """The table as it was sent: row-<line>-<column>."""
    number = source.get("rows") or FIRST
    count = min(int(number), table.MOST) if str(number).isdecimal() else FIRST
    for line in range(count):
        given = {
            column: str(source.get(f"row-{line}-{place}") or "")
            for place, column in enumerate(columns)
        }
        values = {key: text for key, text in given.items() if key not in (NAME, HOST) and text}
        yield Line(given[NAME].strip(), given[HOST].strip(), values)

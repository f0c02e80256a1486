"""The table of a batch: a line for each machine, with its name, its host or none, its values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.common import spreadsheets
from apps.common.errors import FieldError

MOST = 100
NAME, HOST = "name", "host"


@dataclass(frozen=True)
class Line:
    """One machine of the table as somebody wrote it. `host` is a host's name or id; "" leaves the
    choice to the portal. `values` go into the answer file by their keys.
    """

    name: str
    host: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


def error(number: int, column: str, code: str, message: str) -> FieldError:
    """What is wrong in a cell; `number` counts lines from 0, `column` is name, host or a key."""
    place = column if column in (NAME, HOST) else f"specialization.{column}"
    return FieldError(f"rows[{number}].{place}", code, message)


def read(text: str, keys: Sequence[str]) -> tuple[list[Line], list[FieldError]]:
    """The lines of a CSV whose first line names the columns, and what can't be read of it.

    Columns are name, host (if wanted) and the keys, with or without their @.
    """
    try:
        cells = spreadsheets.read(text)
    except spreadsheets.Unreadable as problem:
        return [], [FieldError("csv", "invalid", str(problem))]
    if not cells:
        return [], [FieldError("csv", "required", "The table is empty.")]
    columns, wrong = _columns(cells[0], keys)
    if wrong:
        return [], wrong
    if len(cells) - 1 > MOST:
        return [], [too_many(len(cells) - 1)]
    wide = [
        FieldError("csv", "invalid", f"Line {number} has {len(line)} cells, the first one "
                   f"{len(columns)}. A cell that holds a separator has to stand in quotes.")
        for number, line in enumerate(cells[1:], 2)
        if any(cell.strip() for cell in line[len(columns):])
    ]  # fmt: skip
    return [_line(columns, line) for line in cells[1:]], wide


def too_many(number: int) -> FieldError:
    return FieldError("rows", "too-many", f"{number} machines; {MOST} are the most at once.")


def _columns(names: Iterable[str], keys: Sequence[str]) -> tuple[list[str], list[FieldError]]:
    """What each column is. Where no host tells which values are asked for, any may be given."""
    known = {key.strip("@").lower(): key for key in keys} | {NAME: NAME, HOST: HOST}
    columns, wrong = [], []
    for name in names:
        plain = name.strip().lstrip("'").strip("@ ")
        column = known.get(plain.lower(), "" if keys else f"@{plain}@")
        if not column or not plain:
            asked = ", ".join([NAME, HOST, *(key.strip("@") for key in keys)])
            message = f"There is no column “{name.strip()[:40]}”; there are {asked}."
            wrong.append(FieldError("csv", "unknown-column", message))
        elif column in columns:
            message = f"The column “{plain[:40]}” is there twice."
            wrong.append(FieldError("csv", "invalid", message))
        columns.append(column)
    if NAME not in columns and not wrong:
        wrong.append(FieldError("csv", "required", "The first line names no column “name”."))
    return columns, wrong


def _line(columns: Sequence[str], cells: Sequence[str]) -> Line:
    given = dict(zip(columns, cells, strict=False))
    values = {key: cell for key, cell in given.items() if key not in (NAME, HOST) and cell}
    return Line(given.get(NAME, "").strip(), given.get(HOST, "").strip(), values)


def example(keys: Sequence[str]) -> str:
    """A CSV with its first line only, to be filled in."""
    return spreadsheets.write([[NAME, HOST, *(key.strip("@") for key in keys)]])

"""Tables as spreadsheet programs write and read them."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

#: What separates cells: a comma, or a semicolon where the comma parts decimals.
SEPARATORS = ",;\t"
MOST_CHARACTERS = 1 << 20


class Unreadable(ValueError):
    """Why a text is no table, for people."""


def safe(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def write(rows: Iterable[Sequence[Any]]) -> str:
    """CSV of which no cell is a formula."""
    target = io.StringIO()
    csv.writer(target).writerows([safe(cell) for cell in row] for row in rows)
    return target.getvalue()


def read(text: str) -> list[list[str]]:
    """The lines of a CSV, blank ones left out, cells as they are.

    Takes a byte order mark, Excel's "sep=" line, and commas, semicolons or tabs between cells.
    Raises Unreadable.
    """
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(f"The table has more than {MOST_CHARACTERS:,} characters.")
    text = text.removeprefix("\ufeff")
    first, _, rest = text.lstrip().partition("\n")
    separator = ""
    if first.strip().lower().startswith("sep=") and len(first.strip()) == len("sep=;"):
        separator, text = first.strip()[-1], rest
    return [line for line in _lines(text, separator) if any(cell.strip() for cell in line)]


def _separator(text: str) -> str:
    """The one that the first line, which holds names only, has most of."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(SEPARATORS, key=first.count)


def _lines(text: str, separator: str) -> list[list[str]]:
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=separator or _separator(text), strict=True)
    try:
        return list(reader)
    except csv.Error as error:
        raise Unreadable(f"Line {reader.line_num} of the table can’t be read: {error}.") from None

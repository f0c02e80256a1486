"""Tables as people paste them, and as a spreadsheet may open them without harm."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.common import spreadsheets

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=20)
HEAD = st.lists(st.from_regex(r"[A-Za-z]{1,9}", fullmatch=True), min_size=2, max_size=5)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_words(text):
    try:
        found = spreadsheets.read(text)
    except spreadsheets.Unreadable as problem:
        assert str(problem)
    else:
        assert all(any(cell.strip() for cell in line) for line in found)


@given(HEAD, st.lists(st.lists(TEXT, min_size=2, max_size=5), max_size=5), st.sampled_from(",;\t"))
def test_what_a_spreadsheet_wrote_is_read_back(head, lines, separator):
    target = io.StringIO()
    csv.writer(target, delimiter=separator).writerows([head, *lines])

    found = spreadsheets.read("\ufeff" + target.getvalue())

    assert found == [head, *(line for line in lines if any(cell.strip() for cell in line))]


@given(st.lists(st.lists(TEXT, min_size=1, max_size=4), max_size=4))
def test_no_cell_that_is_written_begins_a_formula(lines):
    text = spreadsheets.write(lines)

    for line in csv.reader(io.StringIO(text, newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in line)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sep=;\r\nname;a,b\r\nx;y\r\n", [["name", "a,b"], ["x", "y"]]),
        ("name\nx\n\n \ny", [["name"], ["x"], ["y"]]),
        ('name,note\nx,"1, 2\n3"', [["name", "note"], ["x", "1, 2\n3"]]),
        ("", []),
    ],
)
def test_quotes_blank_lines_and_a_named_separator(text, found):
    assert spreadsheets.read(text) == found


@pytest.mark.parametrize("text", ['name\n"x', 'name\n"x"y', "x" * (1 << 20) + "y"])
def test_what_can_not_be_read_is_told_with_its_line(text):
    with pytest.raises(spreadsheets.Unreadable, match=r"Line 2|more than"):
        spreadsheets.read(text)

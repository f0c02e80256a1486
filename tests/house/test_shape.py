"""What keeps the house readable: sizes, migrations, templates without anything inline."""

import ast
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_SCRIPT = 400, 60, 80
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=[\"']|javascript:", re.I
)


def sources() -> Iterator[Path]:
    for folder in ("apps", "fabric_portal"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_longer_than_a_reader_holds_in_mind() -> None:
    long = {
        name(path): lines
        for path in sources()
        if (lines := len(path.read_text().splitlines())) > LONGEST_FILE
    }

    assert not long


def test_no_function_is_longer_than_a_page() -> None:
    long = [
        f"{name(path)}: {node.name}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]

    assert not long


def test_no_script_is_longer_than_two_screens() -> None:
    long = [
        name(path)
        for path in (ROOT / "apps").rglob("scripts/*.ps1")
        if len(path.read_text(encoding="utf-8-sig").splitlines()) > LONGEST_SCRIPT
    ]

    assert not long


def test_templates_hold_nothing_that_the_policy_forbids() -> None:
    wrong = [
        f"{name(path)}: {found.group()}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for found in INLINE.finditer(path.read_text())
    ]

    assert not wrong


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    said = StringIO()

    call_command("makemigrations", check=True, dry_run=True, stdout=said)

    assert "No changes" in said.getvalue()

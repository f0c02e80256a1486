"""What a script's param() block refuses, both ways: the binder's record is the same.

The cases come of the blocks themselves: for each parameter a value of every kind that JSON has, and
for each validation what lies just inside and just outside of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.lab import binding, declared
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.declared import Declared
from tests.scripts import pwsh
from tests.scripts.powershell import PowerShell

pytestmark = pwsh.needs_engine

GUID = "6D1F5C8E-5a52-4b62-9b2e-3c6a1d0f7a11"
KINDS: list[Any] = [
    None, "", "x", " ", "5", "-5", "+5", "1.5", "99999999999999999999", 0, 1, -1, 2048, 1 << 31,
    1 << 62, 1.5, 2.5, True, False, [], [""], ["x"], ["x", None], ["x", "y"], [1], {}, {"a": 1},
    GUID, f"{{{GUID}}}", f"({GUID})", GUID.replace("-", ""), f"{GUID}x", "'\"`$(x)[a]*? 🖥️ ‮x",
    "http://x", "HTTPS://x", "ftp://x", " http://x", "a" * 64, "a" * 65, "x" * 100, "x" * 101,
]  # fmt: skip
GOOD: dict[str, Any] = {
    "guid": GUID, "string": "x", "int": 1, "long": 1, "bool": True, "string[]": ["x"],
    "hashtable": {"a": "b"},
}  # fmt: skip
# The script's own statements are not asked here; what was bound is its answer.
BODY = """
$bound = @{}
foreach ($key in $PSBoundParameters.Keys) { $bound[$key] = $PSBoundParameters[$key] }
ConvertTo-Json -Compress -Depth 8 -InputObject $bound"""
NAMES = [path.stem for path in pwsh.scripts() if declared.parameters(path.read_text())]


def _good(row: Declared) -> Any:
    for validation in row.validations:
        if validation.name == "ValidateSet":
            return validation.arguments[0].lower()
        if validation.name == "ValidateRange":
            return int(validation.arguments[0])
        if validation.name == "ValidatePattern":
            return "http://x" if "http" in validation.arguments[0] else "A" * 64
    return GOOD[row.type]


def _edges(row: Declared) -> Iterator[Any]:
    for validation in row.validations:
        if validation.name == "ValidateRange":
            least, most = map(int, validation.arguments)
            yield from (least - 1, least, most, most + 1, str(most), str(most + 1))
        elif validation.name == "ValidateSet":
            yield from (*validation.arguments, validation.arguments[0].upper(), "Fly")


def _cases(rows: tuple[Declared, ...]) -> Iterator[dict[str, Any]]:
    whole = {row.name: _good(row) for row in rows}
    yield whole
    yield {row.name: _good(row) for row in rows if row.mandatory}
    yield {}
    yield {**whole, "Nope": 1}
    for row in rows:
        yield {name: value for name, value in whole.items() if name != row.name}
        yield {row.name.upper(): whole[row.name]}
        for value in (*KINDS, *_edges(row)):
            yield {**whole, row.name: value}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in pwsh.WITHOUT_HANDLER])
def test_the_lab_binds_as_the_engine_does(powershell: PowerShell, name: str) -> None:
    text = pwsh.script(name).read_text(encoding="utf-8")
    head = text[: text.index("Set-StrictMode")]
    problems, asked = [], 0
    for parameters in _cases(declared.parameters(text)):
        asked += 1
        told = powershell.run(head + BODY, parameters)
        wanted = _bound(text, parameters)
        ours = told.document if told.kind == "r" else told.record
        if ours != wanted:
            problems.append(f"{parameters}: {ours!r} is not {wanted!r}")

    assert not problems, f"{len(problems)} of {asked}:\n" + "\n".join(problems[:20])


def _bound(text: str, parameters: dict[str, Any]) -> Any:
    try:
        return binding.bind(text, parameters)
    except CmdletError as error:
        return error.message, error.category, error.error_id

"""Each script by the engine's own parser, and against what Microsoft documents."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from apps.lab.handlers import handlers
from tests.scripts import pwsh

pytestmark = pwsh.needs_engine
NAMES = [path.stem for path in pwsh.scripts()]

# Not cmdlets of a module in the table: what the scripts' host itself brings.
OWN = {"write-frame", "convertfrom-base64", "convertto-native"}


def _documented() -> dict[str, dict[str, Any]]:
    table = pwsh.documented()
    return {
        name.casefold(): cmdlet
        for module in table["modules"].values()
        for name, cmdlet in module.items()
    }


def _parameter_names(cmdlet: dict[str, Any]) -> set[str]:
    common = {name.casefold() for name in pwsh.documented()["common_parameters"]}
    for name, facts in cmdlet.get("parameters", {}).items():
        common |= {name.casefold(), *(alias.casefold() for alias in facts.get("aliases", ()))}
    return common


@pytest.mark.parametrize("name", NAMES)
def test_parses_and_keeps_to_windows_powershell_5_1(name: str) -> None:
    found = pwsh.analysis()[name]

    assert found["parse_errors"] == []
    assert found["violations"] == []
    loud = {f["rule"]: f for f in found["findings"] if f["rule"] != "ErrorActionSilentlyContinue"}
    assert loud == {}


@pytest.mark.parametrize("name", NAMES)
def test_calls_only_documented_commands_with_documented_parameters(name: str) -> None:
    found, table = pwsh.analysis()[name], _documented()
    own = OWN | {function["name"].casefold() for function in found["functions"]}
    wrong = []

    for call in found["commands"]:
        command = str(call["resolved"] or call["name"]).casefold()
        if call["name"] is None or command in own:
            continue
        if command not in table:
            wrong.append(f"{call['name']} is not documented")
            continue
        allowed = _parameter_names(table[command])
        given = [p["name"] if isinstance(p, dict) else p for p in call["parameters"]]
        wrong += [f"{call['name']} -{p}" for p in given if p.casefold() not in allowed]

    assert wrong == []


@pytest.mark.parametrize("name", [name for name in NAMES if name in handlers()])
def test_the_lab_takes_the_parameters_that_the_script_takes(name: str) -> None:
    declared = {p["name"] for p in pwsh.analysis()[name]["parameters"]}
    taken = list(inspect.signature(handlers()[name]).parameters)[1:]

    assert set(taken) == declared


@pytest.mark.parametrize("path", pwsh.scripts(), ids=lambda path: path.stem)
def test_is_one_screen_of_ascii_with_strict_mode_and_its_own_parameters(path: Any) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.isascii()
    assert len(text.splitlines()) < 80
    assert "Set-StrictMode -Version Latest" in text
    assert "$ErrorActionPreference = 'Stop'" in text

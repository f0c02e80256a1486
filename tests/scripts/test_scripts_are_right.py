"""Each script against the house's shape, what Microsoft documents, what the lab and the portal know
of it; and against the engine's own parser, where there is one.

That dates are ISO 8601 in UTC, enumerations words and lists always lists is not asked here: the
documents of all scripts are equal to the handlers', kind for kind, in test_worlds_agree.py.
"""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from apps.lab import cmdlets, declared
from apps.lab.handlers import handlers
from apps.lab.world import World
from apps.remoting.scripts import parameter_names
from tests.scripts import (
    plans,
    pwsh,
    reading,
    test_check_scripts_agree,
    test_jobs_agree,
    test_library_scripts,
    workbench,
)
from tests.scripts.worlds import healthy

NAMES = [path.stem for path in pwsh.scripts()]
PORTAL = [
    path for path in sorted((pwsh.ROOT / "apps").rglob("*.py"))
    if not path.is_relative_to(pwsh.ROOT / "apps/lab")
]  # fmt: skip
# powershell.exe is started with its text; it has no parameters that could be declared.
NO_BLOCK = {"Enter-PortalSession"}
# What a lab has no word for, as it works on the host's own files.
ENGINES_OWN = {"set-acl"}


def _text(name: str) -> str:
    return pwsh.script(name).read_text(encoding="utf-8")


@cache
def _documented() -> dict[str, dict[str, Any]]:
    """Of the reference, and of Microsoft's guides where those alone name a cmdlet."""
    table = pwsh.documented()
    known = [table["guides_only"], *table["modules"].values()]
    return {name.casefold(): row for module in known for name, row in module.items()}


def _parameter_names(cmdlet: dict[str, Any]) -> set[str]:
    common = {name.casefold() for name in pwsh.documented()["common_parameters"]}
    known = cmdlet.get("parameters", {})
    for name, facts in ({key: {} for key in known} if isinstance(known, list) else known).items():
        common |= {name.casefold(), *(alias.casefold() for alias in facts.get("aliases", ()))}
    return common


# ---- shape
@pytest.mark.parametrize("name", NAMES)
def test_is_one_screen_of_ascii_in_the_shape_of_the_house(name: str) -> None:
    text = _text(name)

    assert text.isascii()
    assert len(text.splitlines()) < 80
    assert text.startswith("# ")
    assert "Set-StrictMode -Version Latest\n$ErrorActionPreference = 'Stop'\n" in text
    assert not re.search(r"\bWrite-(Host|Output|Error|Warning)\b", text)
    if name not in NO_BLOCK:
        assert re.search(r"^\[CmdletBinding\(\)\]\nparam\(", text, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NO_BLOCK])
def test_mandatory_parameters_are_typed_and_none_may_be_empty(name: str) -> None:
    for row in declared.parameters(_text(name)):
        assert row.type != "object", row
        if row.mandatory and row.type in ("string", "string[]"):
            assert row.validations, f"{name} -{row.name} takes nothing for something"
        assert row.mandatory == (row.default is None), row


# ---- documented
@pytest.mark.parametrize("name", NAMES)
def test_calls_only_documented_commands_with_documented_parameters(name: str) -> None:
    text, wrong = _text(name), []
    for call in reading.calls(text):
        if call.name in reading.functions(text):
            continue
        row = _documented().get(call.name.casefold())
        if row is None:
            wrong.append(f"{call.line}: {call.name} is not documented")
            continue
        allowed = _parameter_names(row)
        wrong += [
            f"{call.line}: {call.name} -{p}" for p in call.parameters if p.casefold() not in allowed
        ]

    assert wrong == []


def test_every_cmdlet_is_the_languages_or_the_labs() -> None:
    called = {
        call.name.casefold() for name in NAMES if name not in pwsh.WITHOUT_HANDLER
        for call in reading.calls(_text(name)) if call.name not in reading.functions(_text(name))
    }  # fmt: skip

    assert called - pwsh.LANGUAGE - ENGINES_OWN - cmdlets.known() == set()
    assert pwsh.LANGUAGE & cmdlets.known() == set()


# ---- nobody is forgotten
def test_every_script_has_a_handler_a_plan_and_work() -> None:
    apart = {
        *test_jobs_agree.CASES, *test_check_scripts_agree.HERE, test_library_scripts.Receiver.NAME,
    }  # fmt: skip
    scripts = set(NAMES) - pwsh.WITHOUT_HANDLER

    assert set(handlers()) == scripts
    assert set(plans.PLANS) | apart == scripts
    assert set(workbench.WORK) | apart == scripts


def test_every_word_that_a_parameter_takes_is_tried() -> None:
    world = World(healthy().definition)
    scenes = [plans.Scene(world, node.name) for _, node in world.nodes()]
    untried = []
    for name in sorted(plans.PLANS):
        tried = [
            *workbench.WORK.get(name, ()),
            *(row for s in scenes for row in plans.PLANS[name](s)),
        ]
        for row in declared.parameters(_text(name)):
            words = {
                w.casefold()
                for v in row.validations
                if v.name == "ValidateSet"
                for w in v.arguments
            }
            given = {
                str(one.get(row.name, _value(row.default or "''"))).casefold() for one in tried
            }
            untried += [f"{name} -{row.name} {word}" for word in words - given]

    assert untried == []


def test_scripts_without_a_handler_are_run_by_the_tests_of_remoting() -> None:
    tests = "".join(path.read_text() for path in (pwsh.ROOT / "tests/remoting").glob("*.py"))

    assert [name for name in pwsh.WITHOUT_HANDLER if name not in tests] == []


# ---- parameters: script, lab, portal
@pytest.mark.parametrize("name", sorted(handlers()))
def test_the_handler_has_the_scripts_parameters_and_defaults(name: str) -> None:
    rows = declared.parameters(_text(name))
    taken = list(inspect.signature(handlers()[name]).parameters.values())[1:]

    assert {row.name for row in rows} == {parameter.name for parameter in taken}
    assert parameter_names(_text(name)) == tuple(row.name for row in rows)
    defaults = {row.name: _value(row.default) for row in rows if row.default is not None}
    theirs = {p.name: p.default for p in taken if p.default is not inspect.Parameter.empty}
    assert {key: value or defaults.get(key) for key, value in theirs.items()} == defaults


def _value(default: str) -> Any:
    known: dict[str, Any] = {"$true": True, "$false": False, "@()": [], "@{}": {}}
    return known[default] if default in known else ast.literal_eval(default)


class _Sent(ast.NodeVisitor):
    """Which scripts a module names, and which parameters: keys of a table in the scripts' case."""

    def __init__(self, path: Path) -> None:
        self.scripts: set[str] = set()
        self.names: set[str] = set()
        self.visit(ast.parse(path.read_text(encoding="utf-8")))

    def visit_Constant(self, node: ast.Constant) -> None:
        if node.value in NAMES:
            self.scripts.add(node.value)
        elif isinstance(node.value, str) and re.fullmatch(r"([A-Z][a-z0-9]+|VM)+(Id)?", node.value):
            self.names.add(node.value)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg and re.fullmatch(r"[A-Z]\w+", node.arg):
            self.names.add(node.arg)
        self.generic_visit(node)


def test_the_portal_knows_each_parameter_of_each_script_that_it_runs() -> None:
    modules = [_Sent(path) for path in PORTAL]
    everywhere = {name for module in modules for name in module.names}
    unknown, unsent = [], []
    for name in sorted(set(NAMES) - NO_BLOCK - pwsh.WITHOUT_HANDLER):
        users = [module for module in modules if name in module.scripts]
        if not users:
            unsent.append(f"nobody runs {name}")
        sent = {word for module in users for word in module.names}
        for row in declared.parameters(_text(name)):
            if (
                row.mandatory and row.name not in sent | {"VMId", "JobId"}
            ) or row.name not in everywhere:
                unknown.append(f"{name} -{row.name}")

    assert unsent == []
    assert unknown == []


# ---- by the engine's parser
@pwsh.needs_engine
@pytest.mark.parametrize("name", NAMES)
def test_parses_and_keeps_to_windows_powershell_5_1(name: str) -> None:
    found = pwsh.analysis()[name]

    assert found["parse_errors"] == []
    assert found["violations"] == []
    loud = {f["rule"]: f for f in found["findings"] if f["rule"] != "ErrorActionSilentlyContinue"}
    assert loud == {}


@pwsh.needs_engine
@pytest.mark.parametrize("name", NAMES)
def test_the_tests_read_a_script_as_the_engine_does(name: str) -> None:
    theirs = sorted(
        (call["line"], call["name"], sorted(call["parameters"]))
        for call in pwsh.analysis()[name]["commands"] if call["name"]
    )  # fmt: skip
    ours = sorted(
        (call.line, call.name, sorted(call.parameters)) for call in reading.calls(_text(name))
    )

    assert ours == theirs
    assert reading.functions(_text(name)) == {f["name"] for f in pwsh.analysis()[name]["functions"]}


@pwsh.needs_engine
@pytest.mark.parametrize("name", NAMES)
def test_the_lab_reads_a_param_block_as_the_engine_does(name: str) -> None:
    theirs = [
        (row["name"], row["type"], row["mandatory"], row["default"],
         [v["name"] for v in row["validations"]] + ["ValidateSet"] * bool(row["validate_set"]))
        for row in pwsh.analysis()[name]["parameters"]
    ]  # fmt: skip
    ours = [
        (row.name, row.type, row.mandatory, row.default, [v.name for v in row.validations])
        for row in declared.parameters(_text(name))
    ]

    assert ours == theirs

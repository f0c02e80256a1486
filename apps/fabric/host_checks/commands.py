"""Commands and WMI classes that the portal's scripts use; needs.json is made from the scripts."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from apps.fabric.host_checks.trial import Trial

_FILE = Path(__file__).with_name("needs.json")


@functools.cache
def needs() -> Mapping[str, list[dict[str, Any]]]:
    """`commands`: module, command, parameters. `classes`: namespace, class, methods, properties."""
    document: Mapping[str, list[dict[str, Any]]] = json.loads(_FILE.read_text(encoding="utf-8"))
    return document


def wanted_commands() -> list[str]:
    """As Get-CommandGaps takes them."""
    rows = needs()["commands"]
    return ["|".join((row["module"], row["command"], *row["parameters"])) for row in rows]


def wanted_classes() -> list[str]:
    """As Get-ClassGaps takes them."""
    return [
        "|".join((row["namespace"], row["class"], *row["methods"], *row["properties"]))
        for row in needs()["classes"]
    ]


def check(trial: Trial) -> None:
    def commands() -> None:
        wanted = wanted_commands()
        gaps = trial.call("fabric", "Get-CommandGaps", Needed=wanted)["gaps"]
        words = _by_module(gaps) or f"{len(wanted)} commands are there"
        trial.results.tell("commands", not gaps, words)

    def classes() -> None:
        wanted = wanted_classes()
        gaps = trial.call("fabric", "Get-ClassGaps", Needed=wanted)["gaps"]
        words = "; ".join(map(_class, gaps)) or f"{len(wanted)} classes are there"
        trial.results.tell("classes", not gaps, words)

    trial.results.attempt(("commands",), commands)
    trial.results.attempt(("classes",), classes)


def _by_module(gaps: Iterable[Mapping[str, Any]]) -> str:
    found: dict[str, list[str]] = {}
    for gap in gaps:
        found.setdefault(str(gap["module"]), []).append(_command(gap))
    return "; ".join(f"{module}: {', '.join(words)}" for module, words in found.items())


def _command(gap: Mapping[str, Any]) -> str:
    if not gap["found"]:
        return f"{gap['command']} is missing"
    if gap["parameters"]:
        return f"{gap['command']} has no {' '.join(f'-{name}' for name in gap['parameters'])}"
    return f"{gap['command']} comes from {gap['source']}"


def _class(gap: Mapping[str, Any]) -> str:
    name = f"{gap['namespace']}:{gap['class']}"
    if gap["problem"]:
        return f"{name}: {gap['problem']}"
    return f"{name} has no {', '.join(gap['members'])}"

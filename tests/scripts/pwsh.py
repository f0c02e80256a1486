"""The PowerShell engine, where this machine has one, with the lab's cmdlets as its stubs."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = os.environ.get("FABRIC_PWSH", "")
TABLE = ROOT / "tests/data/powershell-cmdlets.json.gz"
STUBS = ROOT / "apps/lab/powershell/Invoke-StubCmdlet.ps1"

needs_engine = pytest.mark.skipif(
    not ENGINE, reason="no PowerShell engine on this machine: FABRIC_PWSH names none"
)


def scripts() -> list[Path]:
    """Every script that the portal runs on a host."""
    return sorted((ROOT / "apps").glob("*/scripts/*.ps1"))


def script(name: str) -> Path:
    return next(path for path in scripts() if path.stem == name)


@cache
def documented() -> dict[str, Any]:
    """Microsoft's documented cmdlets: names, parameters, sets, values."""
    return json.loads(gzip.decompress(TABLE.read_bytes()))


@cache
def analysis() -> dict[str, dict[str, Any]]:
    """What the engine's parser finds in each script, by the script's name."""
    out = subprocess.run(
        [ENGINE, "-Analyze", *map(str, scripts())], capture_output=True, check=False, timeout=120
    ).stdout
    return {Path(file["path"]).stem: file for file in json.loads(out)["files"]}


# Scripts that make a host's session or a job's process of a PowerShell: the lab has no handler for
# them. tests/remoting runs them on the engine.
WITHOUT_HANDLER = {"Enter-PortalSession", "Invoke-PortalSession", "Invoke-HostJob"}
# Commands of the language's own modules: they work on values, a host has nothing to say of them.
LANGUAGE = {
    "set-strictmode", "foreach-object", "where-object", "select-object", "convertto-json",
    "convertfrom-json", "new-object", "start-sleep", "join-path", "add-type",
}  # fmt: skip


def calls(name: str) -> list[dict[str, Any]]:
    """The commands that a script calls, but for functions of its own."""
    found = analysis()[name]
    own = {function["name"].casefold() for function in found["functions"]}
    return [
        call for call in found["commands"]
        if call["name"] is not None and call["name"].casefold() not in own
    ]  # fmt: skip

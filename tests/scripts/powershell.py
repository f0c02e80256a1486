"""One PowerShell engine for many calls: a session of the portal that the tests keep open."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.lab.real_engine import session_arguments, session_input
from tests.scripts import pwsh

# Sets what the scripts' cmdlets see; a script of its own, so that the portal's loop runs it too.
_POINT = (
    "param([string]$Url, [string]$Data) $env:LAB_CMDLETS_URL = $Url; $env:ProgramData = $Data; '{}'"
)
# A script that waits looks again after five milliseconds: a lab of tests has no reason to be slow.
_QUICK = """function global:Start-Sleep { param([int]$Milliseconds, [int]$Seconds)
    [Threading.Thread]::Sleep(5) }
'{}'"""


# How many texts a script writes that are no progress. The portal's loop takes the last of them.
_COUNT = """param([string]$Text, [hashtable]$Parameters)
$all = @(& ([scriptblock]::Create($Text)) @Parameters)
$documents = @($all | Where-Object { -not ([string]$_).StartsWith('{"progress":') })
'{"documents":' + $documents.Count + '}'"""
# Which `catch` blocks were entered, by their lines; see `marked`.
_CAUGHT = (
    "$lines = @($env:FABRIC_CAUGHT -split ' ' | Where-Object { $_ }); $env:FABRIC_CAUGHT = ''; "
)
_CAUGHT += "ConvertTo-Json -Compress -InputObject @($lines)"
_CATCH = re.compile(r"\bcatch\s*\{")


def marked(text: str) -> str:
    """A script's text, no line longer or shorter, that notes each `catch` block it enters."""
    lines = enumerate(text.splitlines(keepends=True), 1)
    return "".join(_CATCH.sub(rf"\g<0> $env:FABRIC_CAUGHT += ' {n}'; ", line) for n, line in lines)


def catches(text: str) -> set[int]:
    """The lines of a script's `catch` blocks."""
    return {n for n, line in enumerate(text.splitlines(), 1) if _CATCH.search(line)}


@dataclass(frozen=True)
class Told:
    """How a call ended: `kind` "r" with a document or "e" with an error record; progress before."""

    kind: str
    document: Any
    progress: list[dict[str, Any]] = field(default_factory=list)

    @property
    def record(self) -> tuple[str, str, str]:
        """Message, category and id of the error."""
        assert self.kind == "e", self.document
        return self.document["message"], self.document["category"], self.document["error_id"]

    @property
    def line(self) -> int:
        """The script's line where the error arose, 0 where the engine names none."""
        words = self.document["position"].split()
        return int(words[1].removeprefix("line:")) if words[:1] == ["At"] else 0


class PowerShell:
    """The engine as Windows PowerShell 5.1 with the documented cmdlets as stubs; see `point`."""

    def __init__(self, folder: Path, *, quick: bool = True) -> None:
        table = folder / "powershell-cmdlets.json"
        table.write_bytes(gzip.decompress(pwsh.TABLE.read_bytes()))
        self._process = subprocess.Popen(
            [pwsh.ENGINE, "-NoProfile", "-NonInteractive", "-PretendWindowsPowerShell",
             "-StubTable", str(table), "-StubHandler", str(pwsh.STUBS), *session_arguments()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ,
        )  # fmt: skip
        self._is_new = True
        if quick:
            self.run(_QUICK, {})

    def close(self) -> None:
        with self._process:
            self._process.terminate()

    def point(self, cmdlets_url: str, program_data: str = "") -> None:
        """Whose cmdlets the next scripts call: a host of a lab, by its CmdletServer's address."""
        told = self.run(_POINT, {"Url": cmdlets_url, "Data": program_data})
        assert told.kind == "r", told.document

    def caught(self) -> set[int]:
        """The lines of `catch` blocks that were entered since this was asked last."""
        return {int(line) for line in self.run(_CAUGHT, {}).document}

    def count_documents(self, text: str, parameters: Mapping[str, Any]) -> int:
        """How many JSON documents a script writes: one, if it is right."""
        told = self.run(_COUNT, {"Text": text, "Parameters": dict(parameters)})
        assert told.kind == "r", told.document
        return int(told.document["documents"])

    def run(self, text: str, parameters: Mapping[str, Any]) -> Told:
        """A script's text, as a session of the portal runs it."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        lines = session_input(text, parameters)
        stdin.write(lines if self._is_new else lines[lines.index(b"\n") + 1 :])
        stdin.flush()
        self._is_new = False
        progress: list[dict[str, Any]] = []
        while frame := stdout.readline().split():
            kind, document = frame[0].decode(), json.loads(base64.b64decode(frame[2]))
            if kind != "p":
                return Told(kind, document, progress)
            progress.append(document)
        raise AssertionError(f"the engine ended with {self._process.wait()}")

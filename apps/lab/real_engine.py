"""Runs scripts' own text on a PowerShell engine, with the lab's cmdlets as stubs, not by handlers.

The engine is a developer's tool (`manage.py lab --engine`); the portal's bootstrap runs on it just
as on a host. Same joint as `apps.lab.engine.run_script`, for any script text at all.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apps.lab.cmdlet_server import CmdletServer
from apps.lab.cmdlets.errors import CmdletError, ScriptCancelled
from apps.lab.cmdlets.session import Session
from apps.lab.engine import APPS, Emit, digest, scripts
from apps.lab.world import World

SCRIPTS = APPS / "remoting/scripts"
STUBS = APPS / "lab/powershell/Invoke-StubCmdlet.ps1"
TABLE = APPS.parent / "tests/data/powershell-cmdlets.json.gz"


class RealEngine:
    """One engine for all hosts; `folder` takes the unpacked table of documented cmdlets."""

    def __init__(self, world: World, engine: str, folder: Path) -> None:
        self._world, self._engine = world, engine
        self._table = folder / "powershell-cmdlets.json"
        self._table.write_bytes(gzip.decompress(TABLE.read_bytes()))
        self._server = CmdletServer(world)
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def run_script(
        self,
        host_name: str,
        script_text: str,
        parameters: Mapping[str, Any],
        emit: Emit,
        cancelled: threading.Event,
    ) -> Any:
        """The script's JSON document; leaves as `engine.run_script` does."""
        name = scripts().get(digest(script_text), "script")
        self._world.count_script(name)
        Session(self._world, host_name, cancelled).arrive(name)
        lines = session_input(script_text, parameters)
        process = self._start(host_name)
        watch = threading.Thread(target=_end_when, args=(process, cancelled), daemon=True)
        watch.start()
        return _follow(process, lines, emit, cancelled)

    def _start(self, host_name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - the developer named the engine
            [self._engine, "-NoProfile", "-NonInteractive", "-PretendWindowsPowerShell",
             "-StubTable", str(self._table), "-StubHandler", str(STUBS), *session_arguments()],
            env=os.environ | {"LAB_CMDLETS_URL": self._server.url_of(host_name)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip


def session_arguments() -> list[str]:
    """What the engine is started with to become a session of the portal."""
    text = (SCRIPTS / "Enter-PortalSession.ps1").read_text(encoding="utf-8")
    return ["-EncodedCommand", base64.b64encode(text.encode("utf-16-le")).decode()]


def session_input(script_text: str, parameters: Mapping[str, Any]) -> bytes:
    """A session's standard input for one call: the loop, and the request."""
    loop = (SCRIPTS / "Invoke-PortalSession.ps1").read_text(encoding="utf-8")
    request = [_encoded(script_text), _encoded(json.dumps(dict(parameters)))]
    return b"\n".join([_encoded(loop), b" ".join([b"1 -", *request]), b""])


def _encoded(text: str) -> bytes:
    return base64.b64encode(text.encode())


def _end_when(process: subprocess.Popen[bytes], cancelled: threading.Event) -> None:
    """Ends the engine when the client gives up."""
    while process.poll() is None:
        if cancelled.wait(0.2):
            process.terminate()
            return


def _follow(
    process: subprocess.Popen[bytes], lines: bytes, emit: Emit, cancelled: threading.Event
) -> Any:
    with process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the engine was started without pipes")
        process.stdin.write(lines)
        process.stdin.close()
        for line in process.stdout:
            kind, _, rest = line.decode().strip().partition(" ")
            document: Any = json.loads(base64.b64decode(rest.split()[1])) if rest else None
            if kind == "p":
                emit(document)
            elif kind == "r":
                return document
            elif kind == "e":
                raise CmdletError(
                    document["message"], document["category"], document["error_id"],
                    document["position"], document["type"],
                )  # fmt: skip
    if cancelled.is_set():
        raise ScriptCancelled("cancelled while the engine ran")
    raise CmdletError(f"The engine ended with {process.returncode} and no frame.", "NotSpecified")

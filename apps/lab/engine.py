"""Runs a script's text as a host of the lab would, by the handler that belongs to that text.

`run_script` is the one joint between the WS-Management server and the rest. It blocks until the
script has ended, applies the host's latency and faults, and leaves in one of four ways:
the script's JSON document (return); `CmdletError` (the script ended with an error record);
`WireFault` (the server breaks its answer accordingly); `ScriptCancelled`.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from apps.lab import powershells
from apps.lab.binding import bind
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.session import Session
from apps.lab.handlers import handlers
from apps.lab.world import World

APPS = Path(__file__).resolve().parent.parent
Emit = Callable[[dict[str, Any]], None]


def digest(text: str) -> str:
    """The SHA-256 by which a script is known; a byte order mark and CRLF make no difference."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return hashlib.sha256(plain.encode()).hexdigest()


@functools.cache
def scripts() -> dict[str, str]:
    """Digest to name of every script file of the project."""
    files = sorted(APPS.glob("*/scripts/*.ps1"))
    return {digest(path.read_text(encoding="utf-8-sig")): path.stem for path in files}


class HandlerContext:
    """What a handler has in hand: the host it runs on, its cmdlets, progress, waiting."""

    def __init__(self, session: Session, emit: Emit) -> None:
        self.session = session
        self.world = session.world
        self.host_name = session.host_name
        self.process_id = powershells.number_of(session.world, session.host_name, session.cancelled)
        self._emit = emit

    def run(
        self, cmdlet: str, /, *, inputs: list[Any] | None = None, **parameters: Any
    ) -> list[Any]:
        """What a cmdlet writes to the pipeline; raises CmdletError as under EAP Stop."""
        return self.session.call(cmdlet, parameters, inputs or [])

    def one(self, cmdlet: str, /, **parameters: Any) -> Any:
        """The single object that a cmdlet writes."""
        return self.run(cmdlet, **parameters)[0]

    def quiet(self, cmdlet: str, /, **parameters: Any) -> list[Any]:
        """The same under -ErrorAction SilentlyContinue: nothing where the cmdlet fails."""
        try:
            return self.run(cmdlet, **parameters)
        except CmdletError:
            return []

    def progress(self, percent: int, message: str) -> None:
        """A progress line of the script."""
        self._emit({"progress": percent, "message": message})

    def wait_until(self, probe: Callable[[], Any], seconds: float) -> Any:
        """What `probe` gives as soon as it is true; None when `seconds` have passed first.

        The probe is asked under the world's lock, again after every change of the world.
        """
        return self.session.wait_until(probe, seconds)


def run_script(
    world: World,
    host_name: str,
    script_text: str,
    parameters: Mapping[str, Any],
    emit: Emit,
    cancelled: threading.Event,
) -> Any:
    """The JSON document of a script run on a host."""
    name = scripts().get(digest(script_text))
    if name is None or name not in handlers():
        raise CmdletError(
            "The simulated host has no handler for this script text.",
            "NotImplemented",
            "ScriptUnknown",
        )
    world.count_script(name)
    session = Session(world, host_name, cancelled)
    session.arrive(name)
    handler = handlers()[name]
    with session.holding(name):
        result = handler(HandlerContext(session, emit), **bind(script_text, parameters))
    session.leave(name, result)
    return result

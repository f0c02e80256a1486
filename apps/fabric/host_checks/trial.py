"""What the checks of one host share: where it is, sessions of their own, what was found."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

from apps import remoting
from apps.fabric.host_checks.results import Results
from apps.remoting import frames, scripts
from apps.remoting.endpoint import Endpoint
from apps.remoting.outcome import Job
from apps.remoting.pool import Pool
from apps.remoting.sessions import Session

SECONDS = 120.0  # for a call: the first one loads modules
WAIT_FOR_SESSION = 30.0
GONE_WITHIN = 15.0
_LOOK_AGAIN = 0.3


@dataclasses.dataclass
class Trial:
    endpoint: Endpoint
    pool: Pool
    results: Results
    keeps_powershell: bool = False  # until a warm session was seen to work
    _open: list[Session] = dataclasses.field(default_factory=list)

    def call(self, room: str, name: str, seconds: float = SECONDS, **parameters: Any) -> Any:
        """A script's answer; raises RemotingError."""
        return remoting.call(
            self.way, scripts.load(room, name), parameters, timeout=seconds, pool=self.pool
        )

    @property
    def way(self) -> Endpoint:
        """The host by warm sessions where those work, whatever its cluster is set to."""
        return dataclasses.replace(self.endpoint, keeps_powershell=self.keeps_powershell)

    def session(self) -> Session:
        """A new one that is ended by `end`, at last by `close`. Raises Busy."""
        until = time.monotonic() + WAIT_FOR_SESSION
        session = self.pool.take(self.way, fresh=True, until=until)
        self._open.append(session)
        return session

    def end(self, session: Session) -> None:
        if session in self._open:
            self._open.remove(session)
            self.pool.end(session)

    def close(self) -> None:
        for session in list(self._open):
            self.end(session)
        self.pool.close_idle()

    def is_gone(self, process_id: int) -> bool:
        """Whether a PowerShell has ended on the host, or does so soon."""
        until = time.monotonic() + GONE_WITHIN
        while True:
            told = self.call("remoting", "Get-ProcessFacts", ProcessId=process_id)
            if told["is_running"] is False:
                return True
            if time.monotonic() > until:
                return False
            time.sleep(_LOOK_AGAIN)  # a host doesn't tell when a process ends


def ask(
    session: Session,
    name: str,
    parameters: Mapping[str, Any],
    *,
    seconds: float = SECONDS,
    on_progress: Callable[[dict[str, Any]], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Any:
    """One call in this very session, which is not replaced when it is broken."""
    sent = frames.parameters_line(parameters)
    until = time.monotonic() + seconds
    script = scripts.load("remoting", name)
    return session.call(Job(script, sent, until, seconds, on_progress, should_stop))

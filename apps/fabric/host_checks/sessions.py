"""PowerShell on a host and the sessions that keep it warm."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from apps.fabric.host_checks.catalogue import DOTNET_4_7_2, LARGE_ANSWER, LARGE_TEXT
from apps.fabric.host_checks.trial import SECONDS, Trial, ask
from apps.remoting import faults
from apps.remoting.errors import ScriptRefused, Stopped, TimedOut
from apps.remoting.pool import MAX_MEMORY
from apps.remoting.sessions import Session

#: Quotes, a code page's own letters, two bytes, three, four, and what a console would take amiss.
UNICODE = "Zo\u00eb \u6f22\u5b57 \U0001f600 'single' \"double\" $name `tick` \\ %PATH% \u20ac\u0416"
_FACTS = ("powershell-version", "language-mode", "dotnet", "tls-default")
_ERROR_ID = "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand"
_LEAD = 1.0  # seconds by which progress has to come before the end of a script of three
_TICKING = 3
_LONG = 600  # seconds that a script is to go on which is ended before
_CUT, _CUT_WITH_START = 3.0, 20.0
WARM_SECONDS = 30.0  # a session that never answers is the likeliest to differ


class Rest:
    """A warm session that is left alone while the other checks go on."""

    def __init__(self, session: Session, process: int) -> None:
        self._session, self._process = session, process

    def check(self, trial: Trial, pause: float) -> None:
        trial.results.attempt(("warm-pause",), partial(self._ask, trial, pause))

    def _ask(self, trial: Trial, pause: float) -> None:
        # the pause itself is what is tried out
        time.sleep(max(0.0, self._session.used + pause - time.monotonic()))
        quiet = time.monotonic() - self._session.used
        after = _process(self._session)
        words = f"after {quiet:.0f} s process {after} answered, before it was {self._process}"
        trial.results.tell("warm-pause", after == self._process, words)


def check_start(trial: Trial) -> bool:
    """Whether PowerShell answers at all, one for each call."""
    attempt = trial.results.attempt
    return attempt(("fresh-powershell",), partial(_fresh, trial)) and (
        attempt(_FACTS, partial(_facts, trial))
    )


def check_warm(trial: Trial) -> Rest | None:
    """Whether one PowerShell serves several calls; the session that did so, to be left alone.

    Where none does, the other checks go on with a PowerShell for each call.
    """
    found: list[Rest] = []

    def try_out() -> None:
        session = trial.session()
        ids = [_process(session, WARM_SECONDS) for _ in range(3)]
        trial.results.tell("warm-process", len(set(ids)) == 1, _processes(ids))
        has_told = 0 < session.memory < MAX_MEMORY
        trial.results.tell("warm-memory", has_told, f"{session.memory >> 20} MiB")
        found.append(Rest(session, ids[-1]))

    trial.keeps_powershell = True
    works = trial.results.attempt(("warm-process", "warm-memory", "warm-pause"), try_out)
    trial.keeps_powershell = works
    return found[0] if found else None


def _facts(trial: Trial) -> None:
    told, tell = trial.call("remoting", "Get-SessionFacts"), trial.results.tell
    version, edition = str(told["ps_version"]), str(told["ps_edition"])
    tell("powershell-version", version.startswith("5.1.") and edition == "Desktop",
         f"{version}, {edition}")  # fmt: skip
    tell("language-mode", told["language_mode"] == "FullLanguage", str(told["language_mode"]))
    release = int(told["dotnet_release"])
    tell("dotnet", release >= DOTNET_4_7_2, f"release {release}")
    protocols = str(told["security_protocols"])
    names = {name.strip() for name in protocols.split(",")}
    tell("tls-default", bool(names & {"SystemDefault", "Tls12", "Tls13"}), protocols)


def _fresh(trial: Trial) -> None:
    session = trial.session()
    try:
        found = [_process(session) for _ in range(2)]
    finally:
        trial.end(session)
    trial.results.tell("fresh-powershell", len(set(found)) == len(found), _processes(found))


def check_calls(trial: Trial) -> None:
    """Several calls of one session, each of which tells of one thing."""
    tries: dict[tuple[str, ...], Callable[[Trial, Session], None]] = {
        ("unicode",): _unicode,
        ("large-parameters",): _large_parameters,
        ("large-answer",): _large_answer,
        ("error-record",): _error_record,
        ("progress",): _progress,
    }
    for ids, try_out in tries.items():
        trial.results.attempt(ids, partial(_in_session, trial, try_out))


def _in_session(trial: Trial, try_out: Callable[[Trial, Session], None]) -> None:
    session = trial.session()
    try:
        try_out(trial, session)
    finally:
        trial.end(session)


def _process(session: Session, seconds: float = SECONDS) -> int:
    return int(ask(session, "Get-SessionEcho", {"Text": "who"}, seconds=seconds)["process_id"])


def _processes(ids: list[int]) -> str:
    return f"processes {', '.join(map(str, ids))}"


def _unicode(trial: Trial, session: Session) -> None:
    told = ask(session, "Get-SessionEcho", {"Text": UNICODE})["text"]
    trial.results.tell("unicode", told == UNICODE, ascii(told))


def _large_parameters(trial: Trial, session: Session) -> None:
    text = (UNICODE * (LARGE_TEXT // len(UNICODE) + 1))[:LARGE_TEXT]
    told = ask(session, "Get-SessionEcho", {"Text": text})["text"]
    trial.results.tell("large-parameters", told == text, f"{len(told)} characters came back")


def _large_answer(trial: Trial, session: Session) -> None:
    piece = UNICODE * 100
    count = LARGE_ANSWER // len(piece) + 1
    told = ask(session, "Get-SessionEcho", {"Text": piece, "Repeat": count})["text"]
    trial.results.tell("large-answer", told == piece * count, f"{len(told)} characters")


def _error_record(trial: Trial, session: Session) -> None:
    missing = "C:\\FabricPortal-nothing-is-here"
    try:
        ask(session, "Test-ErrorRecord", {"Path": missing})
    except ScriptRefused as error:
        words = f"{error.category}, {error.error_id}: {error.host_message}"
        as_said = (error.category, error.error_id) == ("ObjectNotFound", _ERROR_ID)
        trial.results.tell("error-record", as_said and missing in error.host_message, words)
    else:
        trial.results.tell("error-record", False, "no error came")


def _progress(trial: Trial, session: Session) -> None:
    came: list[float] = []
    ask(session, "Get-SessionTicks", {"Seconds": _TICKING},
        on_progress=lambda _: came.append(time.monotonic()))  # fmt: skip
    lead = time.monotonic() - came[0] if came else 0.0
    words = f"{len(came)} lines, the first {lead:.1f} s before the end"
    trial.results.tell("progress", len(came) > 1 and lead >= _LEAD, words)


def check_ends(trial: Trial) -> None:
    """What a caller ends early ends on the host."""
    cut = _CUT if trial.keeps_powershell else _CUT_WITH_START
    trial.results.attempt(("cancel",), partial(_ended, trial, "cancel", SECONDS))
    trial.results.attempt(("time-out",), partial(_ended, trial, "time-out", cut))


def _ended(trial: Trial, id: str, seconds: float) -> None:
    """Begins a long script, and cancels it at its first word or lets its time run out."""
    session = trial.session()
    seen: list[dict[str, Any]] = []
    try:
        _process(session)  # a warm PowerShell has started: the time that is left is the script's
        ask(session, "Get-SessionTicks", {"Seconds": _LONG}, seconds=seconds,
            on_progress=seen.append,
            should_stop=(lambda: bool(seen)) if id == "cancel" else None)  # fmt: skip
    except (Stopped, TimedOut) as end:
        if isinstance(end, TimedOut) != (id == "time-out") or not seen:
            raise
    finally:
        trial.end(session)
    process = int(seen[0]["message"])
    gone = trial.is_gone(process)
    words = "is gone" if gone else "still runs"
    trial.results.tell(id, gone, f"process {process} {words}")


def check_faults(trial: Trial) -> None:
    _fault(trial, "fault-quiet", faults.of_a_quiet_command, faults.QUIET)
    _fault(trial, "fault-gone", faults.of_a_deleted_shell, faults.GONE)


def _fault(trial: Trial, id: str, find: Callable[..., int], wanted: int) -> None:
    def try_out() -> None:
        found = find(trial.way)
        trial.results.tell(id, found == wanted, f"fault {found}" if found else "no fault")

    trial.results.attempt((id,), try_out)

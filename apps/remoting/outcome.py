"""One call and what comes of it: the frames a host writes, put together and judged."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from apps.remoting import clixml, documents, frames, scripts
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import BadReply, ScriptCrashed, ScriptRefused, TooLarge

OUTPUT_LIMIT = 64 * 1024 * 1024
_STDERR_KEPT = 64 * 1024
_NOTHING = object()


@dataclass(frozen=True)
class Job:
    """One call: what to run, how long, who listens."""

    script: scripts.Script
    parameters: bytes  # as `frames.parameters_line` gives them
    until: float  # time.monotonic()
    seconds: float  # the same, as the caller said it
    on_progress: Callable[[dict[str, Any]], None] | None = None
    should_stop: Callable[[], bool] | None = None
    quiet: float = math.inf  # seconds without a byte of output after which it counts as hanging

    @property
    def remaining(self) -> float:
        return self.until - time.monotonic()

    @property
    def is_repeatable(self) -> bool:
        """Whether running it twice changes no more than running it once: it only reads."""
        return self.script.is_reading


class Outcome:
    """What a call has written so far, and what that comes to."""

    def __init__(self, number: int, endpoint: Endpoint, script: scripts.Script) -> None:
        self.exit_code = 0
        self.heard = time.monotonic()  # when it last wrote anything
        self.memory = 0  # bytes that PowerShell holds, 0 as long as it hasn't said
        self._number = number
        self._whose = f"{script.name} on {endpoint.label}"
        self._frames = frames.Reader(documents.of(self._whose))
        self._size = 0
        self._stderr = b""
        self._result: Any = _NOTHING
        self._error: dict[str, Any] | None = None

    @property
    def is_complete(self) -> bool:
        return self._result is not _NOTHING or self._error is not None

    @property
    def has_result(self) -> bool:
        return self._result is not _NOTHING

    def take(self, endpoint: Endpoint, job: Job, out: bytes, err: bytes) -> None:
        """One Receive's pieces; raises TooLarge, BadReply, and what on_progress raises."""
        if out or err:
            self.heard = time.monotonic()
        self._size += len(out) + len(err)
        if self._size > OUTPUT_LIMIT:
            raise TooLarge(
                f"{job.script.name} on {endpoint.label} wrote more than"
                f" {OUTPUT_LIMIT // 1024 // 1024} MiB and was terminated.",
                hint="See what writes into PowerShell's output on that host: a profile, or an agent"
                " that watches it.",
            )
        self._stderr = (self._stderr + err)[:_STDERR_KEPT]
        self._each(endpoint, job, self._frames.feed(out))

    def end(self, endpoint: Endpoint, job: Job) -> None:
        self._each(endpoint, job, self._frames.close())

    def _each(self, endpoint: Endpoint, job: Job, found: Iterable[frames.Frame]) -> None:
        try:
            for frame in found:
                self._frame(job, frame)
        except frames.NotAFrame as error:
            raise self._bad(endpoint, job.script, str(error)) from None

    def _frame(self, job: Job, frame: frames.Frame) -> None:
        self.memory = frame.memory or self.memory
        if frame.number != self._number:
            raise frames.NotAFrame(f"an answer to call {frame.number} came in {self._number}")
        if frame.kind == frames.RESULT:
            self._result = frame.document
        elif frame.kind == frames.ERROR and isinstance(frame.document, dict):
            self._error = frame.document
        elif frame.kind == frames.PROGRESS and isinstance(frame.document, dict):
            if job.on_progress is not None:
                job.on_progress(frame.document)
        else:
            raise frames.NotAFrame(str(frame.document)[:500])

    def result(self, endpoint: Endpoint, script: scripts.Script) -> Any:
        """The script's JSON document; raises ScriptRefused, ScriptCrashed or BadReply."""
        if self._error is not None:
            raise refused(endpoint, script, self._error)
        if self._result is not _NOTHING:
            return documents.checked(self._result, self._whose, script)
        words = clixml.plain(self._stderr) or self._frames.stray
        if self.exit_code != 0:
            raise ScriptCrashed(
                f"{script.name} on {endpoint.label} ended with exit code {self.exit_code} and"
                " without an answer.",
                exit_code=self.exit_code,
                host_message=words,
                hint="Look in the host's event log under Windows PowerShell.",
            )
        raise self._bad(endpoint, script, words)

    @staticmethod
    def _bad(endpoint: Endpoint, script: scripts.Script, words: str) -> BadReply:
        return BadReply(
            f"{script.name} on {endpoint.label} gave an answer that can't be read.",
            host_message=words,
            hint="Check that PowerShell on the host is Windows PowerShell 5.1 and that no profile"
            " or agent writes into its output.",
        )


def refused(endpoint: Endpoint, script: scripts.Script, record: dict[str, Any]) -> ScriptRefused:
    """The error that a script's error record is: message, category, error_id, position, type."""
    words = str(record.get("message") or "").strip()
    return ScriptRefused(
        f"{endpoint.label} refused {script.name}: {words or 'it gave no reason'}",
        host_message=words,
        category=str(record.get("category") or ""),
        error_id=str(record.get("error_id") or ""),
        position=str(record.get("position") or ""),
        error_type=str(record.get("type") or ""),
        hint="Read the host’s own words, mend what they name, then try again.",
    )

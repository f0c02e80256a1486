"""How a simulated host says no, and how its wire breaks."""

from __future__ import annotations

from typing import Any


class CmdletError(Exception):
    """A terminating error record: what `$_` would hold in the script's catch block.

    `message` in Windows' own words, `category` as in `$_.CategoryInfo.Category`, `error_id` as in
    `$_.FullyQualifiedErrorId`, `position` as in `$_.InvocationInfo.PositionMessage` ("" unknown).
    """

    def __init__(
        self,
        message: str,
        category: str = "NotSpecified",
        error_id: str = "",
        position: str = "",
        exception_type: str = "System.Management.Automation.RuntimeException",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.category = category
        self.error_id = error_id
        self.position = position
        self.exception_type = exception_type


class WireFault(Exception):
    """The host's answer must not arrive as it should.

    `kind` "drop" cuts the TCP connection without answering; the others are what a process writes
    instead of its answer, see `apps.lab.wsman.misbehaviour`. A hang is waited out below and ends as
    a drop. `code` is an exit code, `result` the document that the script would have answered with.
    """

    def __init__(self, kind: str, message: str = "", *, code: int = 1, result: Any = None) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind
        self.message = message
        self.code = code
        self.result = result


class ScriptCancelled(Exception):
    """The client terminated the command, or the lab is closing. `is_done`: what ran when it ended
    has done its work already."""

    def __init__(self, message: str, *, is_done: bool = False) -> None:
        super().__init__(message)
        self.is_done = is_done

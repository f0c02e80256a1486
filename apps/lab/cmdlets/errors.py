"""How a simulated host says no, and how its wire breaks."""

from __future__ import annotations


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
    """The host's answer must not arrive as it should: `kind` is "drop" or "garbage".

    drop: cut the TCP connection without answering. garbage: answer bytes that are no frame.
    A hang is waited out below and ends as a drop, so that the server needs no third case.
    """

    def __init__(self, kind: str, message: str = "") -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind
        self.message = message


class ScriptCancelled(Exception):
    """The client terminated the command, or the lab is closing."""

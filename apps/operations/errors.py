"""What a runner may say of its work, and what execution says to itself."""

from __future__ import annotations

from typing import Any


class OperationFailed(Exception):
    """The work can't be done, and the host or a rule said why: the operation ends `failed`.

    `code` is a stable word, `message` and `hint` are for people, `host_message` is Windows' own.
    """

    def __init__(self, code: str, message: str, hint: str = "", host_message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.host_message = host_message

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "host_message": self.host_message,
        }


class Cancelled(Exception):
    """Somebody asked to stop, and the runner came to a point where it could."""


class Superseded(Exception):
    """The row belongs to another worker by now: whatever this one has to say is no longer asked."""

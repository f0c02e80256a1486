"""How a call to a host fails. Every error says what happened, and its hint what to do."""

from __future__ import annotations

from typing import Literal

Step = Literal["name", "tcp", "tls", "http"]


class RemotingError(Exception):
    """`code` is a stable word, `hint` what a person can do, `host_message` the host's own words.

    No message holds a password or a parameter's value.
    """

    def __init__(self, message: str, *, code: str, hint: str = "", host_message: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.host_message = host_message


class Unreachable(RemotingError):
    """No answer from the host's WinRM service; `step` is how far the way was open.

    `fault` is the number of the WSMan fault with which the service itself said no, else 0.
    """

    def __init__(
        self, message: str, *, step: Step, hint: str = "", host_message: str = "", fault: int = 0
    ) -> None:
        super().__init__(message, code="unreachable", hint=hint, host_message=host_message)
        self.step = step
        self.fault = fault


class SignInRefused(RemotingError):
    """The host is there and turned the user name and password down."""

    def __init__(self, message: str, *, hint: str = "", host_message: str = "") -> None:
        super().__init__(message, code="sign-in-refused", hint=hint, host_message=host_message)


class TimedOut(RemotingError):
    """The script had not ended in time; it was terminated if the host still listened."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, code="timed-out", hint=hint)


class ScriptRefused(RemotingError):
    """The script ran and ended with an error record; `host_message` is that record's message."""

    def __init__(
        self,
        message: str,
        *,
        host_message: str,
        category: str = "",
        error_id: str = "",
        position: str = "",
        error_type: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, code="script-refused", hint=hint, host_message=host_message)
        self.category = category
        self.error_id = error_id
        self.position = position
        self.error_type = error_type


class ScriptCrashed(RemotingError):
    """PowerShell ended without a word of the script's: `exit_code` and what stderr held."""

    def __init__(
        self, message: str, *, exit_code: int, hint: str = "", host_message: str = ""
    ) -> None:
        super().__init__(message, code="script-crashed", hint=hint, host_message=host_message)
        self.exit_code = exit_code


class BadReply(RemotingError):
    """The host answered, but not as the script answers."""

    def __init__(self, message: str, *, hint: str = "", host_message: str = "") -> None:
        super().__init__(message, code="bad-reply", hint=hint, host_message=host_message)


class TooLarge(RemotingError):
    """More output than the portal takes; the script was terminated."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, code="too-large", hint=hint)


class Stopped(RemotingError):
    """The caller asked to stop; the script was terminated."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, code="stopped", hint=hint)


class Busy(RemotingError):
    """Every session that the portal grants itself on a host, or that the host grants it, is in use,
    and none came free."""

    def __init__(self, message: str, *, hint: str = "", host_message: str = "") -> None:
        super().__init__(message, code="busy", hint=hint, host_message=host_message)


class JobLost(RemotingError):
    """A detached job's process or folder was gone without a word of how it ended, each time."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, code="job-lost", hint=hint)

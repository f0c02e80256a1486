"""What the service says no with, in Windows' numbers, names and words (wsmerror.h, [MS-WSMV]).

Every text ends in a space, as the recorded ones do: it stands between Windows' message files and
the envelope.
"""

from __future__ import annotations

from dataclasses import dataclass

_INVALID_SELECTORS = (
    "The WS-Management service cannot process the request because the request contained invalid"
    " selectors for the resource. "
)


@dataclass
class Fault(Exception):
    """A SOAP fault: `code` is Windows' number for it, `subcode` the WS-Management name.

    `reason` is the general sentence where it differs from the message, `detail` the last part of
    a WS-Management fault detail, `provider` whether the shell's plug-in says it.
    """

    code: int
    subcode: str
    message: str
    sender: bool = True
    reason: str = ""
    detail: str = ""
    provider: bool = False


def timed_out() -> Fault:
    """No output within OperationTimeout: the client asks again, for as long as it likes."""
    text = (
        "The WS-Management service cannot complete the operation within the time specified in"
        " OperationTimeout.  "
    )
    return Fault(2150858793, "w:TimedOut", text, sender=False)


def unknown_shell(shell_id: str) -> Fault:
    text = (
        f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the"
        " shell was not found on the server. Possible causes are: the specified ShellId is"
        " incorrect or the shell no longer exists on the server. Provide the correct ShellId or"
        " create a new shell and retry the operation. "
    )
    return Fault(
        2150858843, "w:InvalidSelectors", text, reason=_INVALID_SELECTORS,
        detail="UnexpectedSelectors",
    )  # fmt: skip


def unknown_command() -> Fault:
    text = (
        "The Windows Remote Shell received a request to perform an operation on a command"
        " identifier that does not exist. Either the command has completed execution or the"
        " client specified an invalid command identifier. "
    )
    return Fault(
        2150858843, "w:InvalidSelectors", text, reason=_INVALID_SELECTORS,
        detail="UnexpectedSelectors",
    )  # fmt: skip


def no_such_file() -> Fault:
    """A program started without cmd.exe is looked for nowhere: its path must be whole."""
    text = "The system cannot find the file specified. "
    return Fault(2147942402, "w:InternalError", text, sender=False, provider=True)


def too_many_shells(most: int) -> Fault:
    text = (
        "The WS-Management service cannot process the request. This user is allowed a maximum"
        f" number of {most} concurrent shells, which has been exceeded. Close existing shells or"
        " raise the quota for this user. "
    )
    return Fault(2150859173, "w:QuotaLimit", text)


def too_many_commands() -> Fault:
    text = (
        "The WS-Management service cannot process the request. The maximum number of concurrent"
        " commands per shell has been exceeded. Retry the request later or raise the Maximum"
        " Commands per Shell quota. "
    )
    return Fault(2150859241, "w:InternalError", text, sender=False)


def not_the_schema() -> Fault:
    """The envelope, or its body, is not what the schema says."""
    text = (
        "The SOAP XML in the message does not match the corresponding XML schema definition."
        " Change the XML and retry. "
    )
    return Fault(2150858817, "w:SchemaValidationError", text)


def no_header() -> Fault:
    text = (
        "The WS-Management service cannot process the request. The request does not have all the"
        " expected SOAP headers. "
    )
    return Fault(2150858769, "a:MessageInformationHeaderRequired", text)


def no_such_action() -> Fault:
    text = "The WS-Management service does not support the action specified in the request. "
    return Fault(2150858771, "a:ActionNotSupported", text)


def no_such_resource() -> Fault:
    text = (
        "The WS-Management service cannot process the request. The service cannot find the"
        " resource identified by the resource URI and selectors. "
    )
    return Fault(2150858752, "a:DestinationUnreachable", text, detail="InvalidResourceURI")


def envelope_too_small() -> Fault:
    """The client takes less than 8,192 bytes: not even a fault would be sure to fit (R6.2-4)."""
    text = (
        "The WS-Management service cannot process the request because the envelope size in the"
        " request is too small. "
    )
    return Fault(2150858878, "w:EncodingLimit", text, detail="MinimumEnvelopeLimit")

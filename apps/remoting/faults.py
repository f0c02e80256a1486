"""By which faults a host tells that a command is quiet, and that a shell is gone, tried out."""

from __future__ import annotations

from collections.abc import Callable

from apps.remoting import wire
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import Unreachable
from apps.remoting.sessions import bootstrap_arguments
from apps.remoting.shell import Shell
from apps.remoting.translation import guarded

QUIET = 2150858793
"""Nothing was written within OperationTimeout; pywinrm knows it by this number alone."""
GONE = 2150858843
"""There is no such shell on the server, or no such command in it."""
NONE = 0


def of_a_quiet_command(endpoint: Endpoint) -> int:
    """The fault that answers a Receive while PowerShell waits for input; NONE: it wrote something.

    Raises RemotingError when it does not come so far.
    """

    def ask(shell: Shell) -> int:
        # Shell.receive gives nothing for exactly the fault that pywinrm takes for a quiet one.
        out, err, _, has_ended = shell.receive()
        return NONE if out or err or has_ended else QUIET

    return _fault(endpoint, ask)


def of_a_deleted_shell(endpoint: Endpoint) -> int:
    """The fault that answers a Receive once somebody else has deleted the shell; NONE: none."""

    def ask(shell: Shell) -> int:
        protocol, transport = wire.client_for(endpoint)
        try:
            guarded(endpoint, protocol.close_shell, shell.id)
        finally:
            transport.close_session()
        return _answer(shell)

    return _fault(endpoint, ask)


def _answer(shell: Shell) -> int:
    try:
        shell.receive()
    except Unreachable as problem:
        if not problem.fault:
            raise
        return problem.fault
    return NONE


def _fault(endpoint: Endpoint, ask: Callable[[Shell], int]) -> int:
    """Asks while a PowerShell waits for its first line. Its shell is ended in any case."""
    shell = Shell(endpoint)
    try:
        shell.open()
        shell.start("powershell.exe", bootstrap_arguments())
        return ask(shell)
    finally:
        shell.end()

"""What a script answered, as an object that knows what it lacks.

A host's word is input. Whoever reads a name that isn't there raises BadReply, at any depth, so
that an answer of another shape ends as what it is and not as a mistake of the portal's.
"""

from __future__ import annotations

from typing import Any

from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import BadReply
from apps.remoting.scripts import Script


class Document(dict[str, Any]):
    """A JSON object of an answer. It is a dict, but for what happens when a name is missing."""

    def __init__(self, told: dict[str, Any], whose: str) -> None:
        super().__init__((name, _wrapped(value, whose)) for name, value in told.items())
        self._whose = whose

    def __missing__(self, name: str) -> Any:
        raise _bad(self._whose, f"“{name}” is missing")


def checked(told: Any, endpoint: Endpoint, script: Script) -> Any:
    """What a script answered. Those that ship answer with an object: BadReply for anything else."""
    whose = f"{script.name} on {endpoint.label}"
    if script.is_shipped and not isinstance(told, dict):
        raise _bad(whose, "it is no object")
    return _wrapped(told, whose)


def _wrapped(value: Any, whose: str) -> Any:
    if isinstance(value, dict):
        return Document(value, whose)
    if isinstance(value, list):
        return [_wrapped(one, whose) for one in value]
    return value


def _bad(whose: str, what: str) -> BadReply:
    return BadReply(
        f"{whose} gave an answer of another shape: {what}.",
        hint="Check that PowerShell on the host is Windows PowerShell 5.1 and that no profile or"
        " agent writes into its output.",
    )

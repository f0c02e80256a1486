"""What a script answered, as an object that knows what it lacks.

A host's word is input. Whoever reads a name that isn't there raises BadReply, at any depth, so
that an answer of another shape ends as what it is and not as a mistake of the portal's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.remoting.errors import BadReply
from apps.remoting.scripts import Script


class Document(dict[str, Any]):
    """A JSON object of an answer. It is a dict, but for what happens when a name is missing."""

    __slots__ = ("whose",)
    whose: str

    def __missing__(self, name: str) -> Any:
        raise _bad(self.whose, f"“{name}” is missing")


def of(whose: str) -> Callable[[dict[str, Any]], Document]:
    """What makes a Document of each JSON object as it is read: json.loads(…, object_hook=…)."""

    def made(told: dict[str, Any]) -> Document:
        document = Document(told)
        document.whose = whose
        return document

    return made


def checked(told: Any, whose: str, script: Script) -> Any:
    """What a script answered. Those that ship answer with an object: BadReply for anything else."""
    if script.is_shipped and not isinstance(told, dict):
        raise _bad(whose, "it is no object")
    return told


def _bad(whose: str, what: str) -> BadReply:
    return BadReply(
        f"{whose} gave an answer of another shape: {what}.",
        hint="Check that PowerShell on the host is Windows PowerShell 5.1 and that no profile or"
        " agent writes into its output.",
    )

"""What goes wrong on a host: in a script or cmdlet (`Fault`), or on the wire (`WireFault`).

`docs/lab-faults.md` describes both as the control address takes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.lab.world.place import Place

FAULT_KINDS = (
    "error", "drop", "hang", "garbage", "slow",
    "exit", "flood", "text", "frame", "stale", "shape", "list", "huge", "reboot",
)  # fmt: skip
WHEN = ("before", "after")
WIRE_KINDS = (
    "refuse", "cut", "stall", "delay", "garbage", "truncated", "status", "fault", "content-type",
)  # fmt: skip
ACTIONS = ("Create", "Command", "Send", "Receive", "Signal", "Delete")
#: Answers of these kinds hide work that was done; the others stand in place of it.
_AFTER_WORK = ("cut", "stall", "delay", "garbage", "truncated", "content-type")
HALF = -1


@dataclass(eq=False)
class Fault:
    """What goes wrong when the script or cmdlet named `on` is run; `times` None is for ever.

    `when`: before it does anything, or after it has done all of it. `seconds` is of "slow",
    `code` the exit code of "exit".
    """

    on: str
    kind: str
    message: str = ""
    times: int | None = None
    seconds: float = 5.0
    when: str = "before"
    code: int = 1


@dataclass(eq=False)
class WireFault:
    """How a host's answer to a WS-Management action is spoiled.

    `on` is one of ACTIONS, "" any HTTP request, those of the sign-in too. So many that match pass
    first as `skip` says, then `times` of them meet it (None: all). `at`: bytes of the answer (of
    the envelope where "truncated") that get through, -1 half of them. `done`: whether the host does
    what it was asked for before.
    """

    kind: str
    on: str = ""
    skip: int = 0
    times: int | None = None
    at: int = 0
    seconds: float = 1.0
    status: int = 500
    code: int = 0
    done: bool = True

    def kept(self, whole: int) -> int:
        """How many of so many bytes get through."""
        return whole // 2 if self.at == HALF else min(whole, self.at)


def fault(place: Place) -> Fault:
    """A fault of a definition or of the control address."""
    times = place.get("times")
    row = Fault(
        place.text("on"),
        place.word("kind", FAULT_KINDS, "error"),
        str(place.get("message", "")),
        None if times is None else place.whole("times", 1, 1),
        place.number("seconds", 5.0),
        place.word("when", WHEN, "before"),
        place.whole("code", 1, -(1 << 31)),
    )
    place.done()
    return row


def wire_fault(place: Place) -> WireFault:
    """A fault of the wire, of the control address."""
    times = place.get("times")
    kind = place.word("kind", WIRE_KINDS)
    row = WireFault(
        kind,
        place.word("on", ACTIONS) if place.get("on") else "",
        place.whole("skip", 0),
        None if times is None else place.whole("times", 1, 1),
        place.whole("at", 0, HALF),
        place.number("seconds", 1.0),
        place.whole("status", 500, 100),
        place.whole("code", 0),
        place.flag("done", kind in _AFTER_WORK),
    )
    place.done()
    return row


def take(faults: list[WireFault], action: str) -> tuple[WireFault | None, list[WireFault]]:
    """The fault that a request for an action meets, and those that are left then."""
    for found in faults:
        if found.on != action or found.kind == "refuse":
            continue
        if found.skip:
            found.skip -= 1
            continue
        if found.times is None:
            return found, faults
        found.times -= 1
        left = [one for one in faults if one is not found or one.times]
        return found, left
    return None, faults

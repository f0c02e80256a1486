"""What can go wrong between the portal and a host, and how an operation is to end then. Data only.

A fault of the wire meets whatever request comes first; a fault of a script meets that script. The
codes are those of `apps.remoting.errors`; OK is an operation that succeeded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

OK = "ok"
UNREACHABLE, TIMED_OUT, SIGN_IN = "unreachable", "timed-out", "sign-in-refused"
BAD_REPLY, REFUSED, CRASHED = "bad-reply", "script-refused", "script-crashed"
TOO_LARGE, BUSY, INCOMPLETE = "too-large", "busy", "batch-incomplete"
JOB_LOST = "job-lost"
UNKNOWN_SHELL, QUOTA, ACCESS_DENIED, ABORTED = 2150858843, 2150859173, 5, 995
HOURS_OFF = 9 * 3600
SHAPE, LIST = "other shape", "a list"
HOST_WORDS = "The operation cannot be performed while the object is in use."

Passes = Literal["never", "reading", "maybe", "always"]


@dataclass(frozen=True)
class Fault:
    """`codes`: how an operation may end that meets it. `passes`: whether it may succeed all the
    same: never; where what was struck only reads, so that it is asked again unnoticed; maybe, as
    the portal happens to be past the point; always, which leaves no code.

    `wire` are rows of `wire_faults`, `script` is one of `faults` but for its `on`. `cold`: without
    warm sessions. `orphans`: how many shells of it only the host's own idle time
    ends, as the answer with their id was lost; two where two calls lose one each. `guardian`:
    whether it can befall a guardian service as well, and with which codes. `heavy`: takes long, so
    that it strikes the first script of a row only.
    """

    name: str
    told: str
    codes: tuple[str, ...] = ()
    passes: Passes = "never"
    wire: Sequence[Mapping[str, Any]] = ()
    script: Mapping[str, Any] | None = None
    cold: bool = False
    clock: int = 0
    orphans: int = 0
    heavy: bool = False
    guardian: tuple[str, ...] = ()

    @property
    def is_once(self) -> bool:
        """Whether it is over when it was met."""
        rows = [*self.wire, *([self.script] if self.script else [])]
        return all(row.get("times") == 1 for row in rows)


def _wire(
    name: str, told: str, codes: Sequence[str], *rows: Mapping[str, Any], **more: Any
) -> Fault:
    return Fault(name, told, tuple(codes), wire=rows, **more)


def _script(
    name: str, told: str, codes: Sequence[str], row: Mapping[str, Any], **more: Any
) -> Fault:
    return Fault(name, told, tuple(codes), script=row, **more)


def _cut(action: str, at: int, **more: Any) -> Mapping[str, Any]:
    return {"kind": "cut", "on": action, "at": at, **more}


LOST = (UNREACHABLE,)
ODD = (UNREACHABLE, BAD_REPLY)
MOVED = (UNREACHABLE, REFUSED)  # what ran there has failed over, and is missed
ONCE = {"times": 1}

WIRE: tuple[Fault, ...] = (
    _wire("refused", "nothing listens", LOST, {"kind": "refuse"}),
    _wire(
        "silent", "takes connections and says nothing", (TIMED_OUT,),
        {"kind": "stall", "done": False}, cold=True, guardian=LOST,
    ),
    _wire("reset", "resets every connection", LOST, _cut("", 0), cold=True, guardian=LOST),
    _wire("sign-in cut", "cuts the sign-in half-way", LOST, _cut("", 0, skip=1), cold=True),
    _wire("Create cut at 0", "cut once, no byte of the answer", LOST, _cut("Create", 0, **ONCE),
          cold=True, orphans=1),
    _wire("Create cut at 60", "cut once, in the answer's head", ODD, _cut("Create", 60, **ONCE),
          cold=True, orphans=1),
    _wire("Create cut at half", "cut once, half the answer", LOST, _cut("Create", -1, **ONCE),
          cold=True, orphans=1),
    _wire("Command cut", "cut once, half the answer", LOST, _cut("Command", -1, **ONCE), cold=True),
    _wire("first Send cut", "cut once before anything can run", (), _cut("Send", 0, **ONCE),
          passes="always"),
    _wire("last Send cut", "cut once with the byte that begins it", LOST,
          _cut("Send", 0, skip=1, **ONCE), passes="maybe"),
    _wire("Send always cut", "cut each time", ODD, _cut("Send", 17)),
    _wire("Receive cut at 0", "cut once, no byte of the answer", LOST, _cut("Receive", 0, **ONCE),
          passes="reading"),
    _wire("Receive cut at 17", "cut once, in the status line", ODD, _cut("Receive", 17, **ONCE),
          passes="reading"),
    _wire("Receive cut at 200", "cut once, about where the head ends", ODD,
          _cut("Receive", 200, **ONCE), passes="reading"),
    _wire("Receive cut at half", "cut once, half the answer", LOST, _cut("Receive", -1, **ONCE),
          passes="reading"),
    _wire("Receive always cut", "cut each time", LOST, _cut("Receive", -1)),
    _wire("slow Receive", "a second late, once", (),
          {"kind": "delay", "on": "Receive", "seconds": 1, **ONCE}, passes="always",
          guardian=(OK,)),
    _wire("Create stalls", "no answer", (TIMED_OUT,), {"kind": "stall", "on": "Create"}, cold=True,
          orphans=2),
    _wire("Send stalls", "no answer", (TIMED_OUT,), {"kind": "stall", "on": "Send"}),
    _wire("Receive stalls", "half an answer, then nothing", (TIMED_OUT,),
          {"kind": "stall", "on": "Receive", "at": -1}, guardian=LOST),
    _wire("Create garbage", "bytes that are no HTTP", ODD, {"kind": "garbage", "on": "Create"},
          cold=True, orphans=2),
    _wire("Receive garbage", "bytes that are no HTTP, once", ODD,
          {"kind": "garbage", "on": "Receive", **ONCE}, passes="reading", guardian=ODD),
    _wire("Create truncated", "half an envelope", (BAD_REPLY,),
          {"kind": "truncated", "on": "Create", "at": -1}, cold=True, orphans=2),
    _wire("Receive truncated", "half an envelope, once", (BAD_REPLY,),
          {"kind": "truncated", "on": "Receive", "at": -1, **ONCE}, passes="reading",
          guardian=(BAD_REPLY,)),
    _wire("Receive empty", "an empty envelope, each time", ODD,
          {"kind": "truncated", "on": "Receive", "at": 0}, guardian=(BAD_REPLY,)),
    _wire("401", "turns the sign-in down", (SIGN_IN,),
          {"kind": "status", "status": 401, "done": False}, cold=True, guardian=ODD),
    _wire("401 at Receive", "forgets the sign-in once", (SIGN_IN, UNREACHABLE),
          {"kind": "status", "on": "Receive", "status": 401, **ONCE}, passes="maybe"),
    _wire("403", "forbidden by something in between", LOST,
          {"kind": "status", "status": 403, "done": False}, cold=True, guardian=ODD),
    _wire("413 at Send", "too large a request, once", LOST,
          {"kind": "status", "on": "Send", "status": 413, **ONCE}, passes="maybe"),
    _wire("500", "an error page for everything", LOST,
          {"kind": "status", "status": 500, "done": False}, cold=True, guardian=ODD),
    _wire("500 at Receive", "an error page, once", ODD,
          {"kind": "status", "on": "Receive", "status": 500, **ONCE}, passes="reading"),
    _wire("503", "an error page for everything", LOST,
          {"kind": "status", "status": 503, "done": False}, cold=True, guardian=ODD),
    _wire("503 at Receive", "an error page, once", LOST,
          {"kind": "status", "on": "Receive", "status": 503, **ONCE}, passes="reading"),
    _wire("quota fault", f"WSMan fault {QUOTA}: too many shells", (BUSY,),
          {"kind": "fault", "on": "Create", "code": QUOTA}, cold=True),
    _wire("access fault", "WSMan fault 5: access denied", (SIGN_IN,),
          {"kind": "fault", "on": "Create", "code": ACCESS_DENIED}, cold=True),
    _wire("shell gone at Send", f"WSMan fault {UNKNOWN_SHELL}, once", (),
          {"kind": "fault", "on": "Send", "code": UNKNOWN_SHELL, **ONCE}, passes="always"),
    _wire("shell gone at Receive", f"WSMan fault {UNKNOWN_SHELL}, once", LOST,
          {"kind": "fault", "on": "Receive", "code": UNKNOWN_SHELL, **ONCE}, passes="reading"),
    _wire("shells always gone", f"WSMan fault {UNKNOWN_SHELL}, each time", LOST,
          {"kind": "fault", "on": "Receive", "code": UNKNOWN_SHELL}),
    _wire("aborted fault", f"WSMan fault {ABORTED}: the service stops, once", LOST,
          {"kind": "fault", "on": "Receive", "code": ABORTED, **ONCE}, passes="reading"),
    _wire("content type", "an answer that calls itself HTML, once", (BAD_REPLY,),
          {"kind": "content-type", "on": "Receive", **ONCE}, passes="reading",
          guardian=(BAD_REPLY,)),
    Fault("clock ahead", "the host's clock is nine hours fast", passes="always", clock=HOURS_OFF),
    Fault("clock behind", "the host's clock is nine hours slow", passes="always", clock=-HOURS_OFF),
)  # fmt: skip

SCRIPT: tuple[Fault, ...] = (
    _script("error", "an error record before anything is done", (REFUSED,),
            {"kind": "error", "message": HOST_WORDS}),
    _script("error afterwards", "an error record, all done", (REFUSED,),
            {"kind": "error", "message": HOST_WORDS, "when": "after"}),
    _script("hang", "never ends", (TIMED_OUT,), {"kind": "hang"}),
    _script("hang afterwards", "never ends, all done", (TIMED_OUT,),
            {"kind": "hang", "when": "after"}),
    Fault("hang, Delete cut", "never ends, and its shell can't be deleted", (TIMED_OUT,),
          wire=(_cut("Signal", 0, done=False), _cut("Delete", 0, done=False)),
          script={"kind": "hang"}),
    _script("slow", "a second late", (), {"kind": "slow", "seconds": 1, **ONCE}, passes="always"),
    _script("connection lost", "the wire breaks in the middle, once", LOST,
            {"kind": "drop", **ONCE}, passes="reading"),
    _script("connection lost afterwards", "the wire breaks, all done, once", LOST,
            {"kind": "drop", "when": "after", **ONCE}, passes="reading"),
    _script("noise", "PowerShell writes noise and ends, once", (BAD_REPLY,),
            {"kind": "garbage", **ONCE}, passes="reading"),
    _script("noise afterwards", "the same, all done, once", (BAD_REPLY,),
            {"kind": "garbage", "when": "after", **ONCE}, passes="reading"),
    _script("crash", "PowerShell ends with exit code 3, once", (CRASHED,),
            {"kind": "exit", "code": 3, **ONCE}, passes="reading"),
    _script("crash afterwards", "the same, all done, once", (CRASHED,),
            {"kind": "exit", "code": 3, "when": "after", **ONCE}, passes="reading"),
    _script("no JSON", "a result that is no JSON, once", (BAD_REPLY,),
            {"kind": "text", "when": "after", **ONCE}, passes="reading"),
    _script("bad frame", "a result that is no base64, once", (BAD_REPLY,),
            {"kind": "frame", "when": "after", **ONCE}, passes="reading"),
    _script("stale answer", "the answer of the call before, once", (BAD_REPLY,),
            {"kind": "stale", "when": "after", **ONCE}, passes="reading"),
    _script(SHAPE, "JSON with none of the expected names", (BAD_REPLY,),
            {"kind": "shape", "when": "after"}),
    _script(LIST, "JSON that is no object", (BAD_REPLY,), {"kind": "list", "when": "after"}),
    _script("flood", "70 MB of output", (TOO_LARGE, TIMED_OUT), {"kind": "flood"}, heavy=True),
    _script("huge document", "8 MB beside the right answer", (), {"kind": "huge", "when": "after"},
            passes="always", heavy=True),
    _script("reboot", "the host restarts before it has done it, once", MOVED,
            {"kind": "reboot", **ONCE}, passes="maybe"),
    _script("reboot afterwards", "the host restarts, all done, once", MOVED,
            {"kind": "reboot", "when": "after", **ONCE}, passes="maybe"),
)  # fmt: skip

FAULTS: tuple[Fault, ...] = (*WIRE, *SCRIPT)

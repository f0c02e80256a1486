"""Two equal labs. The scripts' own text runs on an engine against the first, the lab's handlers run
against the second; what both say and what both have done has to be the same.

What can't be the same is compared by what it means: moments may lie a minute apart, an id that was
made on the way may be another one as long as it stands for the same thing everywhere.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from apps.lab import cmdlets, engine
from apps.lab.cmdlet_server import CmdletServer
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.world import VM, Definition, Fault, Volume, World, files, saving
from tests.scripts import pwsh
from tests.scripts.powershell import PowerShell, Told, catches, marked

NEAR = 60.0  # seconds between two runs of the same thing
_PERCENT = re.compile(r"\d+(?= %)")  # how far something is depends on the moment
_GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_THROW = re.compile(r"^(?!\s*#).*\bthrow +\S")  # one that stands alone passes on what was caught
_MOMENTS = {"uptime_seconds", "started_at", "created_at", "due", "began", "time", "booted_at"}


class TracedWorld(World):
    """A world that tells which cmdlets were called, and lets the call of a number fail."""

    trace: list[str]
    failing: tuple[int, str] | None = None
    touched = False

    def begin_trace(self, failing: tuple[int, str] | None = None) -> None:
        self.trace, self.failing = [], failing

    def changed(self) -> None:
        self.touched = True
        super().changed()

    def take_fault(self, node_name: str, on: str, when: str = "before") -> Fault | None:
        if when != "before" or on.casefold() not in cmdlets.known():
            return super().take_fault(node_name, on, when)  # a script, or a cmdlet that is through
        self.trace.append(on)
        if self.failing and self.failing[0] == len(self.trace) - 1:
            return Fault(on, "error", self.failing[1], times=1)
        return super().take_fault(node_name, on, when)


class Twins:
    """`worlds[0]` is the engine's, `worlds[1]` the handlers'. `restore` undoes what was done."""

    def __init__(
        self,
        powershell: PowerShell,
        definition: Definition,
        folder: Path,
        prepare: Callable[[World], None] = lambda world: None,
        *,
        lab: Path | None = None,
    ) -> None:
        """`prepare` changes both before anything else; `lab` is a lab's folder to begin with."""
        self.powershell, self.definition = powershell, definition
        self.program_data = ""  # the engine's folder that %ProgramData% names
        self._folders = [folder / name / "lab" for name in "ab"]
        for one in self._folders:
            _copy(lab, one) if lab else one.mkdir(parents=True)
        self.worlds = [TracedWorld(definition) for _ in "ab"]
        for world, one in zip(self.worlds, self._folders, strict=True):
            world.folder = one
        first = self.worlds[0]
        prepare(first)
        _copy(first.blob_folder, folder / "blobs")
        self._blobs = folder / "blobs"
        self._known = set(_ids(json.dumps(first.document())))
        self._beginning = pickle.dumps((first.guardians, first.clusters, first.jobs))
        self.restore()
        self.server = CmdletServer(first)
        self.server.start()

    def close(self) -> None:
        self.server.stop()
        for world in self.worlds:
            world.close()

    def restore(self) -> None:
        """Both as they were in the beginning, their files too."""
        for world in self.worlds:
            world.guardians, world.clusters, world.jobs = pickle.loads(self._beginning)  # noqa: S301 - of its own
            world.touched = False
            world.begin_trace()
            there = {blob.name for blob in world.blob_folder.iterdir()}
            for blob in self._blobs.iterdir():
                if blob.name not in there:
                    os.link(blob, world.blob_folder / blob.name)

    # ---- running
    def agree(self, host: str, name: str, parameters: Mapping[str, Any] | None = None) -> Told:
        """What both say of a script on a host; "{new-01}" stands for the id of the VM so named."""
        told, wanted = self.both(host, name, parameters or {})
        ids = _Ids(self._known)
        same = told.kind == wanted.kind
        assert same, f"engine: {told.document}\nhandler: {wanted.document}"
        if told.kind == "r":
            ours, theirs = (json.dumps(x.document, sort_keys=True) for x in (told, wanted))
            if ours != theirs:
                require_same(told.document, wanted.document, ids)
        else:
            require_same(list(told.record), list(wanted.record), ids)
        self._require_same_progress(name, told, wanted, ids)
        return told

    def both(self, host: str, name: str, parameters: Mapping[str, Any]) -> tuple[Told, Told]:
        """What the engine and the handler say."""
        text = pwsh.script(name).read_text(encoding="utf-8")
        self.powershell.point(self.server.url_of(host), self.program_data)
        told = self.powershell.run(marked(text), self.filled(0, parameters))
        return told, self.handler(host, text, self.filled(1, parameters))

    def handler(self, host: str, text: str, parameters: dict[str, Any]) -> Told:
        """What the lab's handler for this text says."""
        steps: list[dict[str, Any]] = []
        try:
            document = engine.run_script(
                self.worlds[1], host, text, parameters, steps.append, threading.Event()
            )
        except CmdletError as error:
            record = {
                "message": error.message, "category": error.category, "error_id": error.error_id,
            }  # fmt: skip
            return Told("e", record, steps)
        return Told("r", document, steps)

    def _require_same_progress(self, name: str, told: Told, wanted: Told, ids: _Ids) -> None:
        """All of it; of a script that waits only the words, as nobody knows how often it looks."""
        waits = "Start-Sleep" in pwsh.script(name).read_text(encoding="utf-8")
        pair = [_words(one.progress) if waits else one.progress for one in (told, wanted)]
        require_same(pair[0], pair[1], ids)

    def require_same_worlds(self) -> None:
        """Nothing was done on one side only; to be called after each script that may do something.

        Whatever was done is undone then.
        """
        if not any(world.touched for world in self.worlds):
            return
        ours, theirs = (_rows(world) for world in self.worlds)
        self.restore()
        assert len(ours) == len(theirs)
        ids = _Ids(self._known)
        for one, other in zip(ours, theirs, strict=True):
            if pickle.dumps(one) != pickle.dumps(other):  # as most are, and sooner found out
                require_same(_plain(one, self._known), _plain(other, self._known), ids)

    @property
    def ids(self) -> _Ids:
        """For a comparison of one's own."""
        return _Ids(self._known)

    # ---- both worlds
    def put(self, path: str, content: bytes) -> None:
        for world in self.worlds:
            with world.locked():
                files.put(world, world.clusters[0], path, content)

    def pass_time(self, seconds: float) -> None:
        """For the provisioning that is under way, as long as no test wants to wait."""
        for world in self.worlds:
            with world.locked():
                for vm in world.clusters[0].vms:
                    if vm.provisioning:
                        vm.provisioning["began"] -= seconds
                world.changed()

    def vms(self, name: str) -> list[VM]:
        """The VM of that name in either world."""
        return [row for world in self.worlds for _, row in world.vms_named(name)]

    def begin_trace(self, failing: tuple[int, str] | None = None) -> None:
        for world in self.worlds:
            world.begin_trace(failing)

    def filled(self, world: int, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters with the ids of VMs in place of their names in braces."""
        rows = {f"{{{vm.name}}}": vm.id for c in self.worlds[world].clusters for vm in c.vms}
        return {
            key: rows.get(value, value) if isinstance(value, str) else value
            for key, value in parameters.items()
        }


def _rows(world: World) -> list[Any]:
    """All that a world consists of."""
    rows: list[Any] = [*world.guardians, world.jobs]
    for c in world.clusters:
        rows += [*c.nodes, *c.volumes, *c.switches, *c.vms, *c.faults]
    return rows


def _plain(row: Any, known: set[str]) -> Any:
    """A row without what every making makes anew: the content of files of values, the addresses of
    a new VM, which come of its id."""
    plain = saving.to_plain(row)
    if isinstance(row, Volume):
        for path, file in plain["files"].items():
            if path.endswith(".fsk"):
                file.update(sha256=None, blob="")
    if isinstance(row, VM) and row.id not in known:
        for adapter in plain["adapters"]:
            adapter.update(mac_address="", ip_addresses=[])
    return plain


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in source.rglob("*") if source.exists() else ():
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif not place.exists():
            os.link(path, place)


def _words(progress: list[dict[str, Any]]) -> list[str]:
    words = [step["message"] for step in progress]
    return [word for i, word in enumerate(words) if word not in words[:i]]


class Reached:
    """What of a script's text was run so far, by its lines."""

    def __init__(self, name: str, powershell: PowerShell) -> None:
        powershell.caught()  # what others came to
        self.text = pwsh.script(name).read_text(encoding="utf-8")
        self.throws: set[int] = set()

    def note(self, told: Told) -> None:
        if told.kind == "e" and told.record[1:] == ("OperationStopped", told.record[0]):
            self.throws.add(told.line)

    def missed(self, powershell: PowerShell) -> set[int]:
        """Lines with a `throw` or a `catch` that nothing has come to so far."""
        lines = self.text.splitlines()
        throws = {n for n, line in enumerate(lines, 1) if _THROW.match(line)}
        return throws - self.throws | catches(self.text) - powershell.caught()


# ---- comparing
class _Ids:
    """Which id of one side stands for which of the other."""

    def __init__(self, known: set[str]) -> None:
        self._known, self._pairs = known, {}

    def same(self, one: str, other: str) -> bool:
        if one == other:
            return True
        if one.casefold() in self._known or other.casefold() in self._known:
            return False
        return self._pairs.setdefault(one.casefold(), other.casefold()) == other.casefold()


def _ids(text: str) -> list[str]:
    return [found.casefold() for found in _GUID.findall(text)]


def require_same(one: Any, other: Any, ids: _Ids, where: str = "") -> None:
    """Raises AssertionError that names the first place where the two differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        assert one.keys() == other.keys(), f"{where}: {sorted(one)} and {sorted(other)}"
        for key in sorted(one):
            require_same(one[key], other[key], ids, f"{where}.{key}")
    elif isinstance(one, list) and isinstance(other, list):
        assert len(one) == len(other), f"{where}: {one!r} and {other!r}"
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            require_same(a, b, ids, f"{where}[{number}]")
    else:
        assert _is_same(one, other, ids, where), f"{where}: {one!r} and {other!r}"


def _is_same(one: Any, other: Any, ids: _Ids, where: str) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, str):
        if _MOMENT.fullmatch(one) and _MOMENT.fullmatch(other):
            apart = datetime.fromisoformat(one) - datetime.fromisoformat(other)
            return abs(apart.total_seconds()) <= NEAR
        one, other = _PERCENT.sub("n", one), _PERCENT.sub("n", other)
        pairs = zip(_GUID.findall(one), _GUID.findall(other), strict=False)
        return _GUID.split(one) == _GUID.split(other) and all(ids.same(a, b) for a, b in pairs)
    if isinstance(one, int | float) and where.rpartition(".")[2] in _MOMENTS:
        return abs(one - other) <= NEAR
    return bool(one == other)

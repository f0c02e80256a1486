"""The world: rows behind one lock, transitions that come to their end by the clock.

Every reader and writer enters `locked()` (re-entrant). On the way in, what is due is settled, so
nobody needs a thread that lets time pass. On the way out of a change `changed()` is called: it
wakes who waits and has the file written.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from apps.lab.world import changes, faults, saving
from apps.lab.world.definition import Definition
from apps.lab.world.faults import Fault, WireFault
from apps.lab.world.holds import Holds
from apps.lab.world.model import VM, Cluster, Guardian, Node, Timing, Volume


class World:
    """A fabric that lives. `folder` None keeps it in memory only (tests)."""

    def __init__(self, definition: Definition, folder: Path | None = None) -> None:
        self._condition = threading.Condition(threading.RLock())
        self._depth = 0
        self.definition = definition
        self.timing: Timing = definition.timing
        self.domain = definition.domain
        self.closed = False
        self.requests = 0
        self.script_calls: Counter[str] = Counter()
        self.cmdlet_calls: Counter[str] = Counter()  # those that ended without an error
        self.holds = Holds()
        self.on_wire_faults: Callable[[], None] = lambda: None
        self.guardians: list[Guardian] = []
        self.clusters = []
        self.jobs: dict[str, dict[str, Any]] = {}  # detached jobs by host and id; see handlers.jobs
        self.folder = folder
        self.trust: Path | None = None  # certificates that hosts trust, as their root store
        self._saver: saving.Saver | None = None
        saved = saving.read(folder / "world.json", definition.digest) if folder else None
        if saved:
            self._load(saved)
        else:
            self._begin()
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            self._saver = saving.Saver(folder / "world.json", self.document)
            self._saver.touch()

    # ---- life
    @classmethod
    def restored(cls, definition: Definition, document: dict[str, Any]) -> World:
        """A world in memory that is as `document` says: a copy of another one."""
        world = cls(definition)
        world._load(document)
        return world

    @property
    def blob_folder(self) -> Path:
        """Where the bytes of real files on volumes are kept, by their blob name."""
        if self.folder is None:
            raise RuntimeError("a world without a folder keeps no files")
        folder = self.folder / "blobs"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def authority(self) -> Path | None:
        """The certificate authority (PEM file) of the portal, which hosts trust: the named one,
        else that of the data folder which the lab's own folder lies in."""
        if self.trust or self.folder is None:
            return self.trust
        return self.folder.parent / "tls" / "ca.pem"

    def _begin(self) -> None:
        """From the definition, whose rows must stay as they are for the next reset."""
        self.guardians = saving.from_plain(
            list[Guardian], saving.to_plain(self.definition.guardians)
        )
        self.clusters = saving.from_plain(list[Cluster], saving.to_plain(self.definition.clusters))
        self.jobs = {}
        changes.begin(self.clusters, time.time())

    def _load(self, document: dict[str, Any]) -> None:
        self.guardians = saving.from_plain(list[Guardian], document["guardians"])
        self.clusters = saving.from_plain(list[Cluster], document["clusters"])
        self.jobs = document["jobs"]

    @property
    def clusters(self) -> list[Cluster]:
        return self._clusters

    @clusters.setter
    def clusters(self, clusters: list[Cluster]) -> None:
        """Found by the names of their hosts from here on, the short and the full one."""
        self._clusters, self._due = clusters, 0.0
        self._by_host = {
            name.casefold(): cluster
            for cluster in clusters
            for node in cluster.nodes
            for name in (node.name, cluster.fqdn(node))
        }

    def document(self) -> dict[str, Any]:
        """What world.json holds."""
        with self.locked():
            return {
                "format": saving.FORMAT,
                "digest": self.definition.digest,
                "guardians": saving.to_plain(self.guardians),
                "clusters": saving.to_plain(self.clusters),
                "jobs": saving.to_plain(self.jobs),
            }

    def reset(self) -> None:
        """Back to the definition; counters too."""
        self.holds.clear()
        with self.locked():
            self._begin()
            self.requests = 0
            self.script_calls.clear()
            self.cmdlet_calls.clear()
            self.changed()
        self.on_wire_faults()

    def close(self) -> None:
        self.holds.clear()
        with self._condition:
            self.closed = True
            self._condition.notify_all()
        if self._saver:
            self._saver.close()

    # ---- the lock
    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        with self._condition:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._settle()
                yield
            finally:
                self._depth -= 1

    def wait(self, seconds: float) -> None:
        """Lets others in until something changed or the time is over; only inside `locked()`."""
        depth, self._depth = self._depth, 0
        try:
            self._condition.wait(seconds)
        finally:
            self._depth = depth
        self._settle()

    def changed(self) -> None:
        """To be called inside `locked()` after every change."""
        self._due = 0.0
        self._condition.notify_all()
        if self._saver:
            self._saver.touch()

    def _settle(self) -> None:
        """A thousand hosts are asked all the time: most of that finds nothing due, at no cost.

        Looked at once a second at least, for whoever forgot to call `changed()`.
        """
        now = time.time()
        if now < self._due:
            return
        if changes.settle(self.clusters, self.timing, now):
            self.changed()
        self._due = min(changes.next_due(self.clusters), now + 1)

    # ---- finding
    def cluster(self, name: str) -> Cluster:
        for cluster in self.clusters:
            if cluster.name.casefold() == name.casefold():
                return cluster
        raise LookupError(f"no cluster is named {name}")

    def cluster_of(self, node_name: str) -> Cluster:
        cluster = self._by_host.get(node_name.casefold())
        if cluster is None:
            raise LookupError(f"no host is named {node_name}")
        return cluster

    def node(self, name: str) -> Node:
        return self.cluster_of(name).node(name)

    def nodes(self) -> Iterator[tuple[Cluster, Node]]:
        for cluster in self.clusters:
            for node in cluster.nodes:
                yield cluster, node

    def vms_of(self, node_name: str) -> list[VM]:
        """VMs registered on a host."""
        node = self.node(node_name)
        return [vm for vm in self.cluster_of(node_name).vms if vm.node == node.name]

    def vms_named(self, wanted: str) -> list[tuple[Cluster, VM]]:
        """VMs of this name (or id) in all clusters."""
        folded = wanted.casefold()
        return [
            (cluster, vm)
            for cluster in self.clusters
            for vm in cluster.vms
            if vm.name == wanted or vm.id == folded
        ]

    def guardian(self, name: str) -> Guardian | None:
        return next((g for g in self.guardians if g.name == name), None)

    def volume_of(self, cluster: Cluster, path: str) -> Volume | None:
        """The volume that a Windows path lies on."""
        folded = path.casefold()
        for volume in cluster.volumes:
            root = volume.path.casefold()
            if folded == root or folded.startswith(root + "\\"):
                return volume
        return None

    # ---- counting, faults
    def count_request(self) -> None:
        """One HTTP request to a host."""
        with self._condition:
            self.requests += 1

    def count_script(self, name: str) -> None:
        with self._condition:
            self.script_calls[name] += 1

    def count_cmdlet(self, name: str) -> None:
        with self._condition:
            self.cmdlet_calls[name] += 1

    def take_fault(self, node_name: str, on: str, when: str = "before") -> Fault | None:
        """The fault set for this script or cmdlet on a host, used once, or None."""
        with self._condition:
            try:
                node = self.node(node_name)
            except LookupError:
                return None
            for fault in node.faults:
                if fault.on.casefold() != on.casefold() or fault.when != when:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        node.faults = [f for f in node.faults if f is not fault]
                if fault.kind == "hang":
                    node.hanging.append(fault)
                return fault
            return None

    def set_faults(self, node: Node, faults: list[Fault]) -> None:
        """Replaces a host's faults; who hangs on an old one comes free."""
        with self.locked():
            node.faults = faults
            node.hanging = []
            self.changed()

    def take_wire_fault(self, row: Node | Guardian, action: str) -> WireFault | None:
        """The fault that a request to a host or guardian service meets, used once, or None."""
        with self._condition:
            found, row.wire_faults = faults.take(row.wire_faults, action)
            return found

    def set_wire_faults(self, row: Node | Guardian, wanted: list[WireFault]) -> None:
        """Replaces what spoils the wire of a host or a guardian service."""
        with self.locked():
            row.wire_faults = wanted
            self.changed()
        self.on_wire_faults()

"""One PowerShell session on one host: runs cmdlets against the world, with faults and latency."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.lab.cmdlets.errors import CmdletError, ScriptCancelled, WireFault
from apps.lab.world import Cluster, Fault, Node, World, changes
from apps.lab.world.holds import Dropped

TICK = 0.05  # how often a waiting session looks whether its client gave up


class Session:
    """Cmdlets as the host `host_name` runs them."""

    def __init__(
        self, world: World, host_name: str, cancelled: threading.Event | None = None
    ) -> None:
        self.world = world
        self.host_name = host_name
        self.cancelled = cancelled or threading.Event()

    @property
    def node(self) -> Node:
        """The host's row; raises LookupError when the world was reset to one without it."""
        return self.world.node(self.host_name)

    @property
    def cluster(self) -> Cluster:
        return self.world.cluster_of(self.host_name)

    def arrive(self, script: str) -> None:
        """What happens before a script's first line: latency, and faults set on its name."""
        self.pause(self.node.latency_ms / 1000)
        self._meet_fault(script)

    def leave(self, script: str, result: Any) -> None:
        """What happens after a script's last line, before its answer is on its way."""
        self._meet_fault(script, "after", result)

    def call(self, name: str, parameters: Mapping[str, Any], inputs: list[Any]) -> list[Any]:
        """Runs one cmdlet; what it writes to the pipeline."""
        from apps.lab.cmdlets import find, unknown  # the registry imports modules that need Session

        if self.cancelled.is_set():
            raise ScriptCancelled(name)
        function = find(name)
        if name in self.node.lacks:
            raise unknown(name)
        self.pause(self.world.timing.cmdlet_ms / 1000)
        self._meet_fault(name)
        present = {key: value for key, value in parameters.items() if value is not None}
        with self.holding(name):
            output = function(self, Parameters(name, present, inputs))
            self.world.count_cmdlet(name)
        self._meet_fault(name, "after")
        return output

    @contextlib.contextmanager
    def holding(self, name: str) -> Iterator[None]:
        """One run of a script or cmdlet, which stands still before and after where that is set."""
        try:
            with self.world.holds.run(name) as meet:
                meet("before")
                yield
                meet("after")
        except Dropped as end:
            raise ScriptCancelled(f"{name} was held and dropped", is_done=end.is_done) from None

    def pause(self, seconds: float) -> None:
        """Waits, but not for a client that has gone away."""
        if seconds > 0 and self.cancelled.wait(seconds):
            raise ScriptCancelled("cancelled while waiting")

    def wait_until(self, probe: Callable[[], Any], seconds: float) -> Any:
        """Asks `probe` under the lock until it is true or the time is over (then None)."""
        end = time.monotonic() + seconds
        with self.world.locked():
            while not (value := probe()):
                left = end - time.monotonic()
                if left <= 0:
                    return None
                if self.cancelled.is_set() or self.world.closed:
                    raise ScriptCancelled("cancelled while waiting")
                self.world.wait(min(left, TICK))
            return value

    def _meet_fault(self, name: str, when: str = "before", result: Any = None) -> None:
        fault = self.world.take_fault(self.host_name, name, when)
        if fault is None:
            return
        if fault.kind == "error":
            message = fault.message or "The operation failed."
            raise CmdletError(message, "InvalidOperation", f"OperationFailed,{name}")
        if fault.kind == "slow":
            self.pause(fault.seconds)
            return
        if fault.kind == "hang":
            self._hang(fault)
        if fault.kind == "reboot":
            self._reboot()
        kind = "drop" if fault.kind in ("hang", "reboot") else fault.kind
        raise WireFault(kind, fault.message, code=fault.code, result=result)

    def _reboot(self) -> None:
        """The host's power is gone and back: what ran on it has failed over or stopped."""
        with self.world.locked():
            changes.lose_host(self.cluster, self.node)
            changes.regain_host(self.cluster, self.node)
            self.world.changed()

    def _hang(self, fault: Fault) -> None:
        """Never comes back while the fault is set. Afterwards the wire is cut, nothing is done:
        work resumed minutes later, for a client long gone, would surprise everybody."""
        world = self.world
        self.wait_until(lambda: fault not in world.node(self.host_name).hanging, float("inf"))


class Parameters:
    """A cmdlet's bound parameters and its pipeline input."""

    def __init__(self, cmdlet: str, values: Mapping[str, Any], inputs: list[Any]) -> None:
        self.cmdlet = cmdlet
        self.inputs = inputs
        self._values = {key.casefold(): value for key, value in values.items()}

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._values

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name.casefold(), default)

    def text(self, name: str, default: str = "") -> str:
        value = self.get(name, default)
        if isinstance(value, list):
            value = value[0] if value else default
        return str(value)

    def many(self, name: str) -> list[Any]:
        """A parameter that takes an array, always as a list."""
        value = self.get(name)
        if value is None:
            return []
        return list(value) if isinstance(value, list | tuple) else [value]

    def switch(self, name: str) -> bool:
        return bool(self.get(name, False))

    def missing(self, message: str, error_id: str) -> CmdletError:
        """The error of a provider's item that is not there."""
        return CmdletError(
            message,
            "ObjectNotFound",
            error_id,
            exception_type="System.Management.Automation.ItemNotFoundException",
        )

    def error(
        self, message: str, category: str = "InvalidOperation", error_id: str = ""
    ) -> CmdletError:
        """An error record of this cmdlet, its id qualified as the engine does it."""
        return CmdletError(message, category, f"{error_id or category},{self.cmdlet}")

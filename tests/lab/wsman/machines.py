"""Simulated machines of a few lines, for tests that need the wire and no world behind it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.lab.cmdlets.errors import CmdletError
from apps.lab.world.faults import WireFault, take
from apps.lab.wsman.doors import CertificateMapping, Doors
from apps.lab.wsman.hosts import Account, Emit
from apps.lab.wsman.server import Server, free_port, serve

SUBJECT = "portal@fabric.test"
PASSWORD = "Köln-4711 & <more>"
Behaviour = Callable[[Mapping[str, Any], Emit, threading.Event], Any]


@dataclass
class Machine:
    name: str
    fqdn: str
    powered_on: bool = True
    booted_at: float = 0.0
    powershell_start: float = 0.0
    accounts: list[Account] = field(
        default_factory=lambda: [Account("portal", PASSWORD, "FABRIC", "fabric.test")]
    )
    requests: int = 0
    doors: Doors = field(
        default_factory=lambda: Doors(certificates=[CertificateMapping(SUBJECT, "portal")])
    )
    wire_faults: list[WireFault] = field(default_factory=list)

    def count_request(self) -> None:
        self.requests += 1

    def wire_fault(self, action: str) -> WireFault | None:
        found, self.wire_faults = take(self.wire_faults, action)
        return found


@dataclass
class Machines:
    """A directory of machines by address, and what their scripts do, by the script's text."""

    by_address: dict[str, Machine]
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    runs: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    def addresses(self) -> Sequence[str]:
        return list(self.by_address)

    def names_at(self, address: str) -> Sequence[str]:
        machine = self.by_address[address]
        return [machine.fqdn, machine.name.lower()]

    def host_at(self, address: str) -> Machine | None:
        return self.by_address.get(address)

    def run(
        self,
        host_name: str,
        text: str,
        parameters: Mapping[str, Any],
        emit: Emit,
        cancelled: threading.Event,
    ) -> Any:
        if text not in self.behaviours:
            raise CmdletError("The script is not known.", "NotImplemented", "ScriptUnknown")
        self.runs.append((host_name, text, parameters))
        return self.behaviours[text](parameters, emit, cancelled)


#: Addresses of this test process's own: processes side by side never want the same port of one.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
N1, N2 = f"127.66.{91 + _WORKER}.1", f"127.66.{91 + _WORKER}.2"


def two_machines() -> Machines:
    return Machines({N1: Machine("N1", "n1.fabric.test"), N2: Machine("N2", "n2.fabric.test")})


def started(machines: Machines, state_dir: Path) -> Server:
    """Serves machines on two free ports; stop it when done."""
    return serve(machines, free_port(N1), free_port(N2), machines.run, state_dir=state_dir)

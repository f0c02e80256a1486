"""Many simulated hosts in a process of their own, each answering any script with one document.

Prints the ports as JSON, then serves until its standard input ends. A process of its own, so that
what the client costs is the client's alone.
"""

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.lab.world.faults import WireFault
from apps.lab.wsman.doors import Doors
from apps.lab.wsman.hosts import Account, Emit
from apps.lab.wsman.server import free_port, serve

PASSWORD = "benchmark-4711"  # noqa: S105 - of hosts that exist on loopback for a minute


@dataclass
class Machine:
    name: str
    fqdn: str
    powershell_start: float
    powered_on: bool = True
    booted_at: float = 0.0
    requests: int = 0
    accounts: list[Account] = field(default_factory=lambda: [Account("portal", PASSWORD, "BENCH")])
    doors: Doors = field(default_factory=Doors)

    def count_request(self) -> None:
        self.requests += 1

    def wire_fault(self, action: str) -> WireFault | None:
        return None


class Machines:
    """As many hosts as asked for, at 127.70.x.y."""

    def __init__(self, count: int, start_ms: float, size: int) -> None:
        self._machines = {
            address(number): Machine(f"h{number}", f"h{number}.bench.test", start_ms / 1000)
            for number in range(count)
        }
        rows = [{"name": f"vm-{n:04d}", "state": "Running"} for n in range(size // 40)]
        self._document = {"vms": rows, "filler": ""}
        self._document["filler"] = "x" * max(0, size - len(json.dumps(self._document)))

    def addresses(self) -> Sequence[str]:
        return list(self._machines)

    def names_at(self, where: str) -> Sequence[str]:
        return [self._machines[where].fqdn]

    def host_at(self, where: str) -> Machine | None:
        return self._machines.get(where)

    def run(
        self,
        host: str,
        text: str,
        parameters: Mapping[str, Any],
        emit: Emit,
        cancelled: threading.Event,
    ) -> Any:
        return self._document


def address(number: int) -> str:
    return f"127.70.{number // 250 + 1}.{number % 250 + 1}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--start-ms", type=float, default=0)
    parser.add_argument("--size", type=int, default=20_480)
    options = parser.parse_args()
    machines = Machines(options.hosts, options.start_ms, options.size)
    with tempfile.TemporaryDirectory() as folder:
        ports = free_port(address(0)), free_port(address(1))
        server = serve(machines, *ports, machines.run, state_dir=Path(folder))
        found = {"http": ports[0], "https": ports[1], "ca": server.ca_file.read_text()}
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.stop()


if __name__ == "__main__":
    main()

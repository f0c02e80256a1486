"""The whole lab as one running thing: hosts, guardian services, control address, lab.json."""

from __future__ import annotations

import functools
import json
import os
import socket
from pathlib import Path
from typing import Any

from apps.lab import engine, hgs
from apps.lab.control import ControlServer
from apps.lab.directory import Directory
from apps.lab.real_engine import RealEngine
from apps.lab.world import Definition, WireFault, World, files
from apps.lab.wsman.hosts import RunScript
from apps.lab.wsman.server import Server, serve

GUARDIANS = "127.66.250"  # guardian services answer here, one address each


class Lab:
    """Starts everything on construction; raises OSError where a port can't be had."""

    def __init__(
        self,
        definition: Definition,
        folder: Path,
        *,
        port: int = 0,
        control_port: int = 0,
        powershell: str = "",
        trust: Path | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.world = World(definition, folder)
        self.world.trust = trust
        files.sweep(self.world)  # what a world that is no more had on its volumes
        self._kept = _read(folder / "lab.json")
        self._closing: list[Any] = [self.world.close]
        try:
            self.wsman = self._start_hosts(port, powershell)
            self.guardians = self._start_guardians()
            self.control = self._start_control(control_port)
        except BaseException:
            self.close()
            raise
        self.facts = self._facts()
        _write(folder / "lab.json", self.facts)

    def _start_hosts(self, port: int, powershell: str) -> Server:
        directory = Directory(self.world)
        addresses = list(directory.addresses())
        plain = port or _port(addresses, self._kept.get("winrm_port"))
        tls = _port(addresses, self._kept.get("winrm_tls_port"), but=plain)
        run = self._runner(powershell)
        server = serve(
            directory, plain, tls, run, state_dir=self.folder / "wsman", engine=powershell
        )
        self._closing.append(server.stop)
        self.world.on_wire_faults = functools.partial(_heed_refusals, self.world, directory, server)
        return server

    def _runner(self, powershell: str) -> RunScript:
        """By handlers; on a PowerShell engine where one is named."""
        if not powershell:
            return functools.partial(engine.run_script, self.world)
        real = RealEngine(self.world, powershell, self.folder)
        self._closing.append(real.stop)
        return real.run_script

    def _start_guardians(self) -> list[hgs.GuardianServer]:
        servers = []
        addresses = [f"{GUARDIANS}.{i + 1}" for i in range(len(self.world.guardians))]
        port = _port(addresses, self._kept.get("hgs_port")) if addresses else 0
        for address, guardian in zip(addresses, self.world.guardians, strict=True):
            keys = hgs.keys_of(self.folder, guardian)
            server = hgs.GuardianServer(guardian, keys, address, port)
            server.trouble = functools.partial(self._guardian_trouble, guardian.name)
            self._closing.append(server.stop)
            server.start()
            servers.append(server)
        return servers

    def _guardian_trouble(self, name: str) -> WireFault | None:
        """Looked up anew each time: a reset replaces rows."""
        with self.world.locked():
            row = self.world.guardian(name)
            return self.world.take_wire_fault(row, "") if row else None

    def _start_control(self, port: int) -> ControlServer:
        kept = self._kept.get("control_port")
        server = ControlServer(self.world, port or _port(["127.0.0.1"], kept))
        self._closing.append(server.stop)
        server.start()
        return server

    def _facts(self) -> dict[str, Any]:
        """lab.json: where everything is. Holds the lab's own passwords: mode 0600."""
        return {
            "winrm_port": self.wsman.http_port,
            "winrm_tls_port": self.wsman.tls_port,
            "control_url": self.control.url,
            "control_port": self.control.server_address[1],
            "hgs_port": self.guardians[0].server_address[1] if self.guardians else None,
            "ca_certificate": str(self.wsman.ca_file),
            "definition": self.world.definition.digest,
            "clusters": [self._cluster(row) for row in self.world.clusters],
            "hgs": [self._guardian(server) for server in self.guardians],
        }

    def _cluster(self, row: Any) -> dict[str, Any]:
        return {
            "name": row.name,
            "address": row.address,
            "port": self.wsman.http_port,
            "use_tls": False,
            "transport": "ntlm",
            "username": row.username,
            "password": row.password,
            "guardian": row.guardian,
            "fingerprint": self.wsman.fingerprint(row.address),
            "client_certificates": self._client_certificates(row),
            "hosts": [{"name": node.name, "address": node.address} for node in row.nodes],
        }

    def _client_certificates(self, row: Any) -> list[dict[str, str]]:
        """Files by which accounts sign in whose mapping trusts the lab's own authority."""
        subjects = {m.subject for node in row.nodes for m in node.doors.certificates
                    if not m.authority}  # fmt: skip
        pairs = {subject: self.wsman.client_certificate(subject) for subject in sorted(subjects)}
        return [
            {"subject": subject, "certificate": str(certificate), "key": str(key)}
            for subject, (certificate, key) in pairs.items()
        ]

    def _guardian(self, server: hgs.GuardianServer) -> dict[str, Any]:
        row = server.guardian
        return {
            "name": row.name,
            "mode": row.mode,
            "address": row.address,
            "url": server.url,
            "attestation_url": row.attestation_url,
            "key_protection_url": row.key_protection_url,
            "metadata_url": f"{server.url}/KeyProtection/service/metadata/2014-07/metadata.xml",
            "nodes": row.nodes,
        }

    def close(self) -> None:
        """Ends all of it, last started first."""
        while self._closing:
            self._closing.pop()()


def _heed_refusals(world: World, directory: Directory, server: Server) -> None:
    """Closes the doors of hosts whose wire is to refuse connections."""
    with world.locked():
        closed = [
            address
            for address in directory.addresses()
            if (host := directory.host_at(address)) is not None
            and any(fault.kind == "refuse" for fault in world.node(host.name).wire_faults)
        ]
    server.refuse(closed)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _write(path: Path, document: dict[str, Any]) -> None:
    part = path.with_suffix(".json.part")
    part.touch(0o600)
    part.write_text(json.dumps(document, indent=1), encoding="utf-8")
    os.replace(part, path)


def _port(addresses: list[str], kept: Any, but: int = 0) -> int:
    """The port of the last start where it is still free on all addresses, else a free one."""
    if isinstance(kept, int) and kept != but and _free(addresses, kept):
        return kept
    for _ in range(50):
        with socket.socket() as probe:
            probe.bind((addresses[0], 0))
            port = int(probe.getsockname()[1])
        if port != but and _free(addresses, port):
            return port
    raise OSError("no port is free on all of the lab's addresses")


def _free(addresses: list[str], port: int) -> bool:
    for address in addresses:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True

"""Starts and stops the WS-Management service of all simulated hosts: one thread, many addresses.

server = serve(hosts, http_port, tls_port, run_script, state_dir=data / "wsman")
…
server.stop()
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
import socket
import ssl
import struct
import threading
from collections.abc import Collection
from concurrent.futures import Future
from pathlib import Path

from cryptography import x509

from apps.lab.wsman.connection import Connection
from apps.lab.wsman.doors import CertificateMapping
from apps.lab.wsman.hosts import HostDirectory, RunScript, WsmanHost
from apps.lab.wsman.pki import Authority, HostCertificate
from apps.lab.wsman.programs import Programs
from apps.lab.wsman.service import ConnectionCut, Service
from apps.lab.wsman.signin import Channel, SignIn, UserFiles
from apps.lab.wsman.troubles import Broken

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: close with a reset


class Server:
    """The running service; made by `serve`. Safe to ask from any thread."""

    def __init__(
        self,
        hosts: HostDirectory,
        http_port: int,
        tls_port: int,
        run_script: RunScript,
        *,
        state_dir: Path,
        engine: str = "",
    ) -> None:
        self.http_port = http_port
        self.tls_port = tls_port
        self._hosts = hosts
        self._programs = Programs(run_script, engine)
        self._authority = Authority(state_dir / "pki")
        self._authorities = {"": self._authority.certificate}
        self._users = UserFiles(state_dir / "users")
        self._certificates: dict[str, HostCertificate] = {}
        self._services: dict[str, Service] = {}
        self._connections: dict[asyncio.Task[None], str] = {}
        self._listeners: dict[str, list[asyncio.Server]] = {}
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="lab-wsman", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def ca_file(self) -> Path:
        """The authority that signs every host's certificate, in PEM."""
        return self._authority.ca_file

    def client_certificate(self, subject: str) -> tuple[Path, Path]:
        """(certificate, key): files by which `subject` signs in where a mapping names it."""
        return self._authority.client_certificate(subject)

    def fingerprint(self, address: str) -> str:
        """SHA-256 of the certificate shown at an address, in lower-case hex."""
        return self._certificates[address].fingerprint

    def start(self) -> None:
        """Returns once every address listens; raises OSError when a port is taken."""
        addresses = self._hosts.addresses()
        for address in addresses:
            if not ipaddress.ip_address(address).is_loopback:
                raise ValueError(f"a lab host must not answer on {address}: loopback only")
        for address in addresses:
            names = self._hosts.names_at(address)
            asked = [self._authorities[m.authority] for m in self._mappings(address)]
            self._certificates[address] = self._authority.certificate_for(address, names, asked)
        self._thread.start()
        self._started.result()

    def stop(self) -> None:
        """Cuts every connection, terminates every command, and waits for the service's end."""
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def open_shells(self, name: str) -> int:
        """How many shells a host holds."""
        service = self._services.get(name)
        return len(service.shells) if service else 0

    def sever(self, address: str) -> None:
        """Cuts every connection to an address, as a broken cable does; returns when it is done."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._sever(address), self._loop).result()

    async def _sever(self, address: str) -> None:
        tasks = [task for task, where in self._connections.items() if where == address]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except OSError as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    def refuse(self, addresses: Collection[str]) -> None:
        """Listens at every address but these, whose connections are cut; returns when it is so."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._refuse(addresses), self._loop).result()

    async def _refuse(self, addresses: Collection[str]) -> None:
        for address, certificate in self._certificates.items():
            if address not in addresses:
                await self._open(address, certificate)
                continue
            for listener in self._listeners.pop(address, ()):
                listener.close()
            await self._sever(address)

    async def _open(self, address: str, certificate: HostCertificate) -> None:
        if address not in self._listeners:
            self._listeners[address] = [
                await self._listen(address, self.http_port, None),
                await self._listen(address, self.tls_port, certificate),
            ]

    async def _main(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        try:
            await self._refuse(())
            self._started.set_result(None)
            await self._stopping.wait()
        finally:
            for listener in itertools.chain(*self._listeners.values()):
                listener.close()
            for service in self._services.values():
                service.shells.close()
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _listen(
        self, address: str, port: int, certificate: HostCertificate | None
    ) -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if (task := asyncio.current_task()) is None:
                raise RuntimeError("a connection is served by a task of its own")
            self._connections[task] = address
            try:
                await self._connection(reader, writer, address, certificate)
            finally:
                del self._connections[task]

        context = certificate.context if certificate else None
        return await asyncio.start_server(connected, address, port, ssl=context, backlog=256)

    async def _connection(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        address: str,
        certificate: HostCertificate | None,
    ) -> None:
        host = self._hosts.host_at(address)
        try:
            if host is None or not host.powered_on:
                raise ConnectionCut
            signin = SignIn(host, self._users, self._channel(writer, certificate))
            peer = writer.get_extra_info("peername")[0]
            await Connection(self._service(host), signin, reader, writer, peer).serve()
        except Broken as broken:
            if broken.reset:
                _reset(writer)
        except (ConnectionCut, ConnectionError, asyncio.IncompleteReadError):
            _reset(writer)
        except asyncio.CancelledError:  # the service stops; nobody waits for this task's result
            writer.transport.abort()
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    def _channel(
        self, writer: asyncio.StreamWriter, certificate: HostCertificate | None
    ) -> Channel | None:
        if certificate is None:
            return None
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return Channel(certificate.der, shown, self._authorities)

    def _mappings(self, address: str) -> list[CertificateMapping]:
        """Of the machine at an address, at the start; notes the authorities that they name."""
        host = self._hosts.host_at(address)
        mappings = host.doors.certificates if host else []
        for mapping in mappings:
            if mapping.authority not in self._authorities:
                issuer = x509.load_pem_x509_certificate(mapping.authority.encode())
                self._authorities[mapping.authority] = issuer
        return mappings

    def _service(self, host: WsmanHost) -> Service:
        service = self._services.get(host.name)
        if service is None:
            service = self._services[host.name] = Service(host, self._programs)
        return service


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closes with a TCP reset: what a client sees of a machine that went away."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):  # the client was quicker: it is closed already
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


def serve(
    hosts: HostDirectory,
    http_port: int,
    tls_port: int,
    run_script: RunScript,
    *,
    state_dir: Path,
    engine: str = "",
) -> Server:
    """Starts the service on every address of `hosts` and gives the running server.

    `state_dir` keeps the authority, the hosts' certificates and the sign-in files between starts.
    `engine`: path of a PowerShell that runs texts the lab does not know ("" refuses them).
    """
    server = Server(hosts, http_port, tls_port, run_script, state_dir=state_dir, engine=engine)
    server.start()
    return server


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from apps.lab.wsman.server import Server
from apps.remoting.endpoint import Endpoint
from apps.remoting.pool import Pool
from tests.lab.wsman.machines import N1, PASSWORD, SUBJECT, Machines, started, two_machines


@pytest.fixture
def machines() -> Machines:
    return two_machines()


@pytest.fixture
def server(machines: Machines, tmp_path) -> Iterator[Server]:
    server = started(machines, tmp_path)
    yield server
    server.stop()


@pytest.fixture
def pool(server) -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


@pytest.fixture
def endpoint(server, machines) -> Callable[..., Endpoint]:
    """Makes endpoints of N1: `endpoint("ntlm-http", password="…")`."""

    def make(transport: str = "ntlm-http", **changes) -> Endpoint:
        method, scheme = transport.split("-")
        if method == "credssp":  # off on a host until somebody switches it on
            host = machines.by_address[N1]
            host.doors = dataclasses.replace(host.doors, credssp=True)
        certificate, key = server.client_certificate(SUBJECT)
        is_certificate = method == "certificate"
        facts = {
            "address": N1,
            "port": server.tls_port if scheme == "https" else server.http_port,
            "use_tls": scheme == "https",
            "transport": method,
            "username": "FABRIC\\portal",
            "password": "" if is_certificate else PASSWORD,
            "client_certificate": certificate.read_text() if is_certificate else "",
            "client_key": key.read_text() if is_certificate else "",
            "ca_certificate": server.ca_file.read_text() if scheme == "https" else "",
            "name": "N1",
        }
        return Endpoint(**(facts | changes))

    return make

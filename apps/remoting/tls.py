"""TLS to hosts: an authority of one's own, or one pinned certificate; never unverified.

A client certificate's key reaches OpenSSL without ever lying in a file in the clear: OpenSSL's
loader takes a path and nothing else, so it gets a memory file without a name in any file system,
and in it the key encrypted under a password that lives as long as the call.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import ssl
import tempfile
from collections.abc import Iterator
from typing import Any

import requests
from cryptography.hazmat.primitives import serialization
from requests import PreparedRequest
from requests.adapters import HTTPAdapter

from apps.remoting import lane
from apps.remoting.endpoint import Endpoint


@functools.lru_cache(maxsize=256)
def context(
    ca_certificate: str, *, is_pinned: bool, client_certificate: str = "", client_key: str = ""
) -> ssl.SSLContext:
    """The context for an authority, made once: loading trust anew costs 20 ms a connection.

    A pinned certificate is compared after the handshake, so the handshake itself checks nothing.
    `client_certificate` (its chain may follow) and `client_key` in PEM: who we are.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if is_pinned:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif ca_certificate:
        made.load_verify_locations(cadata=ca_certificate)
    else:
        made.load_default_certs()
    if client_certificate:
        # HTTP.sys asks for it only once it has seen the request: with TLS 1.3 that takes this.
        made.post_handshake_auth = True
        _load_client(made, client_certificate, client_key)
    return made


def _load_client(made: ssl.SSLContext, certificate: str, key: str) -> None:
    password = secrets.token_hex(32)
    encrypted = serialization.load_pem_private_key(key.encode(), None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()),
    )
    with _passing_file(certificate.encode() + b"\n" + encrypted) as path:
        made.load_cert_chain(path, password=password)


@contextlib.contextmanager
def _passing_file(content: bytes) -> Iterator[str]:
    """A path to read the content from; where a system has no memory files, one that 0600 guards."""
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            yield file.name
        return
    descriptor = os.memfd_create("client-certificate")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"


def context_for(endpoint: Endpoint) -> ssl.SSLContext:
    return context(
        "" if endpoint.fingerprint else endpoint.ca_certificate,
        is_pinned=bool(endpoint.fingerprint),
        client_certificate=endpoint.client_certificate,
        client_key=endpoint.client_key,
    )


class VerifyingAdapter(HTTPAdapter):
    """Connections whose trust is the endpoint's alone, whatever the environment says.

    requests would add its own bundle of public authorities to the shared context, so that a
    certificate from any of them passed; both places where it does so are closed here.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._trust: dict[str, Any] = {}
        if endpoint.use_tls:
            self._trust["ssl_context"] = context_for(endpoint)
            if endpoint.fingerprint:
                self._trust["assert_fingerprint"] = endpoint.fingerprint
        self._last: requests.Response | None = None
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        self._last = super().send(*args, **kwargs)
        return self._last

    def idle_socket(self) -> Any:
        """The socket of its one connection, where the answers there can be read by their length
        and none is under way; None without one."""
        if self._last is None or not lane.is_short(self._last):
            return None
        for key in list(self.poolmanager.pools.keys()):  # it can’t be iterated itself
            pool = self.poolmanager.pools[key].pool
            for connection in pool.queue if pool is not None else ():
                if connection is not None and connection.sock is not None:
                    return connection.sock
        return None

    def close(self) -> None:
        """Also a connection whose answer nobody has read: a sign-in that failed leaves one."""
        if self._last is not None:
            self._last.close()
        super().close()

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to add to the pool's own settings."""

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, dict(self._trust)

"""pywinrm, tuned: one connection, trust as the endpoint says, nothing from the environment."""

from __future__ import annotations

from typing import Literal

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from winrm.transport import Transport

from apps.remoting.endpoint import Endpoint
from apps.remoting.kerberos import KerberosAuth
from apps.remoting.protocol import KeptProtocol
from apps.remoting.tls import VerifyingAdapter

CONNECT_SECONDS = 5
OPERATION_SECONDS = 2
"""How long a Receive stays open: also how soon a caller's wish to stop is heard."""
GRACE_SECONDS = 8
"""How much longer than promised an answer may take before the host counts as silent."""


CREDSSP_VERSION = 5
"""Hosts without the cure for CVE-2018-0886 (May 2018) are not trusted with a password."""
_MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"


class CertificateAuth(AuthBase):
    """Says with each request that the certificate of the TLS handshake is who we are."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = _MUTUAL
        return request


class TunedTransport(Transport):
    """Mounts the endpoint's own adapter before the first request, the sign-in's included."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(
            endpoint=endpoint.url,
            username=endpoint.username,
            password=endpoint.password,
            auth_method=_method(endpoint),
            server_cert_validation="validate",
            ca_trust_path="",  # trust is the adapter's: the environment is not asked
            proxy=None,
            credssp_minimum_version=CREDSSP_VERSION,
        )
        self._endpoint = endpoint
        self._tuned: requests.Session | None = None
        self.allow(OPERATION_SECONDS + GRACE_SECONDS)  # pywinrm would wait for ever

    def allow(self, seconds: float) -> None:
        """How long the next exchanges may wait for an answer."""
        # requests takes a pair as well: how long to connect, how long between two bytes.
        self.read_timeout_sec = (CONNECT_SECONDS, seconds)  # type: ignore[assignment]

    def build_session(self) -> requests.Session:
        session = super().build_session()
        self._tune(session)
        is_plain = self._endpoint.transport == "kerberos" and not self._endpoint.use_tls
        if is_plain and self.encryption is None:
            self.auth_method = "kerberos"  # how pywinrm's encryption seals from here on
            super().setup_encryption(session)
            self.auth_method = "ssl"
        return session

    def setup_encryption(self, session: requests.Session) -> None:
        self._tune(session)
        super().setup_encryption(session)

    def close_session(self) -> None:
        """Drops the connection and the keys that sealed it: the next request signs in anew."""
        super().close_session()
        self.encryption = None

    def _tune(self, session: requests.Session) -> None:
        """Once a session: another adapter would be another connection, which nobody signed in."""
        if session is self._tuned:
            return
        self._tuned = session
        session.trust_env = False
        session.proxies = {}
        adapter = VerifyingAdapter(self._endpoint)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        if self._endpoint.transport == "certificate":
            session.auth = CertificateAuth()
        elif self._endpoint.transport == "kerberos":
            session.auth = KerberosAuth(self._endpoint)
        elif self._endpoint.transport == "basic":  # requests would write it in Latin-1
            session.auth = HTTPBasicAuth(
                self._endpoint.username.encode(), self._endpoint.password.encode()
            )


def _method(endpoint: Endpoint) -> Literal["ssl", "ntlm", "basic", "credssp"]:
    """pywinrm's word. "ssl" leaves the sign-in to `_tune`: its "certificate" wants files, its
    "kerberos" the one ticket cache of the whole process.
    """
    if endpoint.sign_in == "certificate" or endpoint.sign_in == "kerberos":
        return "ssl"
    return endpoint.sign_in


def client_for(endpoint: Endpoint) -> tuple[KeptProtocol, TunedTransport]:
    """A WS-Management client of one host. One thread at a time: sealing counts the messages."""
    protocol = KeptProtocol(
        endpoint=endpoint.url,
        transport=_method(endpoint),
        username=endpoint.username,
        password=endpoint.password,
        operation_timeout_sec=OPERATION_SECONDS,
        read_timeout_sec=OPERATION_SECONDS + GRACE_SECONDS,
        proxy=None,
    )
    protocol.transport = transport = TunedTransport(endpoint)
    return protocol, transport

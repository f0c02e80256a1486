"""pywinrm, tuned: one connection, trust as the endpoint says, nothing from the environment."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Literal

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from winrm.transport import Transport

from apps.remoting.endpoint import Endpoint
from apps.remoting.kerberos import KerberosAuth
from apps.remoting.lane import Answer, Lane
from apps.remoting.protocol import KeptProtocol
from apps.remoting.tls import VerifyingAdapter

CONNECT_SECONDS = 5
OPERATION_SECONDS = 2
"""How long a Receive stays open: also how soon a caller's wish to stop is heard."""
GRACE_SECONDS = 8
"""How much longer than promised an answer may take before the host counts as silent."""


CREDSSP_VERSION = 5
"""Hosts without the cure for CVE-2018-0886 (May 2018) are not trusted with a password."""
SHORT = frozenset({"ntlm", "basic", "certificate"})
"""Ways to sign in after which a request needs nothing new to be let in."""
_PLAIN = "application/soap+xml;charset=UTF-8"
_SEALED = 'multipart/encrypted;{};boundary="Encrypted Boundary"'
_MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"


class CertificateAuth(AuthBase):
    """Says with each request that the certificate of the TLS handshake is who we are."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = _MUTUAL
        return request


class _Answered:
    """A session in whose place pywinrm judges an answer that is there already."""

    def __init__(self, answer: requests.Response) -> None:
        self._answer = answer

    def send(self, *_: Any, **__: Any) -> requests.Response:
        return self._answer


@dataclass(frozen=True)
class _Content:
    """As much of an answer as is needed to open its seal."""

    content: bytes


class TunedTransport(Transport):
    """Mounts the endpoint's own adapter before the first request, the sign-in's included.

    Once a host has signed us in, what follows goes the short way (`lane`).
    """

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
        self._adapter: VerifyingAdapter | None = None
        self._lane: Lane | None = None
        self._sealed_type = ""
        self.allow(OPERATION_SECONDS + GRACE_SECONDS)  # pywinrm would wait for ever

    def allow(self, seconds: float) -> None:
        """How long the next exchanges may wait for an answer."""
        self._seconds = seconds
        # requests takes a pair as well: how long to connect, how long between two bytes.
        self.read_timeout_sec = (CONNECT_SECONDS, seconds)  # type: ignore[assignment]

    def send_message(self, message: str | bytes) -> bytes:
        data = message.encode() if isinstance(message, str) else message
        lane = self._lane
        if lane is None:
            told = super().send_message(data)
            self._lane = self._short_way()
            return told
        if not lane.is_open:  # nothing is lost yet: sign in anew, and go on
            self.close_session()
            return super().send_message(data)
        answer = lane.post(*self._enveloped(data), self._seconds)
        if answer.status == requests.codes.unauthorized:  # and so nothing was done
            self.close_session()
            return super().send_message(data)
        return self._told(answer)

    def _told(self, answer: Answer) -> bytes:
        """What a host answered, out of its envelope; raises as pywinrm does."""
        if answer.status != requests.codes.ok:
            judged: Any = _Answered(answer.response())
            self._send_message_request(judged, requests.PreparedRequest())
        sealing = self.encryption
        if sealing is not None and self._sealed_type in answer.headers.get("content-type", ""):
            content: Any = _Content(answer.content)
            return sealing._decrypt_response(content, self._endpoint.address)
        return answer.content

    def _short_way(self) -> Lane | None:
        """The connection of an exchange that went well, where it needs no more to be let in."""
        sock = self._adapter.idle_socket() if self._adapter is not None else None
        if sock is None or self._endpoint.sign_in not in SHORT:
            return None
        if self.encryption is not None:
            self._sealed_type = f'protocol="{self.encryption.protocol_string.decode()}"'
        headers = {"User-Agent": "Python WinRM client", "Connection": "Keep-Alive"}
        if self._endpoint.transport == "certificate":
            headers["Authorization"] = _MUTUAL
        elif self._endpoint.transport == "basic":
            headers["Authorization"] = _basic(self._endpoint)
        return Lane(sock, self._endpoint.url, headers)

    def _enveloped(self, data: bytes) -> tuple[bytes, str]:
        """A message as it goes over the wire, and what kind of body that is."""
        sealing = self.encryption
        if sealing is None:
            return data, _PLAIN
        sealed = sealing._encrypt_message(data, self._endpoint.address)
        kind = _SEALED.format(self._sealed_type)
        return sealed + sealing.MIME_BOUNDARY + b"--\r\n", kind

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
        self.encryption = self._lane = None

    def _tune(self, session: requests.Session) -> None:
        """Once a session: another adapter would be another connection, which nobody signed in."""
        if session is self._tuned:
            return
        self._tuned = session
        session.trust_env = False
        session.proxies = {}
        self._adapter = adapter = VerifyingAdapter(self._endpoint)
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


def _basic(endpoint: Endpoint) -> str:
    pair = f"{endpoint.username}:{endpoint.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


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

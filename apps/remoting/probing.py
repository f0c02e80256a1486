"""How far the way to a host is open, step by step: for the page on which a cluster is added."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import requests
from cryptography import x509

from apps.remoting import tls, translation, wire
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import RemotingError
from apps.remoting.shell import Shell

_IDENTIFY = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
    "<s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>"
)


@dataclass(frozen=True)
class ProbeStep:
    """One step: `id` is name, tcp, tls, http or sign-in; `fix` says what to do when it failed.

    `fingerprint`: SHA-256 in hex of the certificate that the host showed (step tls only), to be
    confirmed by a person who compares it with the host's own.
    """

    id: str
    ok: bool
    message: str
    fix: str = ""
    fingerprint: str = ""


def probe(endpoint: Endpoint) -> list[ProbeStep]:
    """The steps up to the first that fails; all ok when the last is "sign-in" and ok."""
    steps: list[ProbeStep] = []
    for step in _steps(endpoint):
        steps.append(step)
        if not step.ok:
            break
    return steps


def answers(endpoint: Endpoint) -> bool:
    """Whether its WinRM service answers at all; nobody signs in, and the host keeps nothing."""
    return all(step.ok for step in _way(endpoint))


def _steps(endpoint: Endpoint) -> Iterator[ProbeStep]:
    yield from _way(endpoint)
    yield _sign_in(endpoint)


def _way(endpoint: Endpoint) -> Iterator[ProbeStep]:
    yield _name(endpoint)
    yield _tcp(endpoint)
    if endpoint.use_tls:
        yield _tls(endpoint)
    yield _http(endpoint)


def _name(endpoint: Endpoint) -> ProbeStep:
    try:
        found = socket.getaddrinfo(endpoint.address, endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ProbeStep(
            "name",
            False,
            f"The name {endpoint.address} isn't known here.",
            "Check the name for a typing error, and this machine's DNS settings.",
        )
    addresses = ", ".join(sorted({str(entry[4][0]) for entry in found}))
    return ProbeStep("name", True, f"{endpoint.address} is {addresses}.")


def _tcp(endpoint: Endpoint) -> ProbeStep:
    try:
        with _connection(endpoint):
            pass
    except OSError:
        return ProbeStep(
            "tcp",
            False,
            f"Nothing answers on port {endpoint.port} of {endpoint.address}.",
            translation.NETWORK_HINT,
        )
    return ProbeStep("tcp", True, f"Port {endpoint.port} is open.")


def _tls(endpoint: Endpoint) -> ProbeStep:
    """Reads the certificate first, whatever it is, then asks whether it is trusted."""
    try:
        der = shown_certificate(endpoint)
    except OSError:
        problem = translation.untrusted(endpoint, "")
        return ProbeStep("tls", False, problem.message, problem.hint)
    fingerprint = hashlib.sha256(der).hexdigest()
    reason = distrust(endpoint, fingerprint)
    if reason:
        problem = translation.untrusted(endpoint, reason)
        return ProbeStep("tls", False, problem.message, problem.hint, fingerprint)
    return ProbeStep("tls", True, _described(der), fingerprint=fingerprint)


def shown_certificate(endpoint: Endpoint) -> bytes:
    """The host's certificate in DER, whatever it is worth; raises OSError without TLS."""
    unchecked = tls.context("", is_pinned=True)
    with _connection(endpoint) as plain, unchecked.wrap_socket(plain) as wrapped:
        return wrapped.getpeercert(binary_form=True) or b""


def distrust(endpoint: Endpoint, fingerprint: str) -> str:
    """OpenSSL's reason to distrust the host; "" when the certificate passes."""
    if endpoint.fingerprint:
        return "" if endpoint.fingerprint == fingerprint else "Fingerprints did not match"
    try:
        with (
            _connection(endpoint) as plain,
            tls.context(endpoint.ca_certificate, is_pinned=False).wrap_socket(
                plain, server_hostname=endpoint.address
            ),
        ):
            return ""
    except ssl.SSLCertVerificationError as error:
        return f"certificate verify failed: {error.verify_message}"
    except OSError as error:
        return str(error)


def _described(der: bytes) -> str:
    certificate = x509.load_der_x509_certificate(der)
    ends: datetime.datetime = certificate.not_valid_after_utc
    subject = certificate.subject.rfc4514_string() or "a certificate without a subject"
    return f"The certificate is trusted: {subject}, valid until {ends:%d %B %Y}."


def _http(endpoint: Endpoint) -> ProbeStep:
    """Asks Identify, which every WinRM service answers before a sign-in."""
    try:
        vendor = translation.guarded(endpoint, _identify, endpoint)
    except RemotingError as error:
        return ProbeStep("http", False, error.message, error.hint)
    return ProbeStep("http", True, f"A WinRM service answers ({vendor}).")


def _identify(endpoint: Endpoint) -> str:
    answer = bare_post(
        endpoint,
        _IDENTIFY,
        {
            "WSMANIDENTIFY": "unauthenticated",
            "Content-Type": "application/soap+xml;charset=UTF-8",
        },
    )
    if answer.status_code == 401:
        return "it keeps its name to itself"  # Identify may be switched off; WinRM it is
    _, tag, rest = answer.text.partition("ProductVendor>")
    if answer.status_code != 200 or not tag:
        raise ValueError("no IdentifyResponse")
    return rest.partition("<")[0]


def bare_post(endpoint: Endpoint, body: str, headers: dict[str, str]) -> requests.Response:
    """One request without a sign-in, over a connection of its own."""
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", tls.VerifyingAdapter(endpoint))
        session.mount("https://", tls.VerifyingAdapter(endpoint))
        return session.post(
            endpoint.url,
            data=body,
            headers=headers,
            timeout=(wire.CONNECT_SECONDS, wire.GRACE_SECONDS),
            allow_redirects=False,
        )


def _sign_in(endpoint: Endpoint) -> ProbeStep:
    shell = Shell(endpoint)
    try:
        shell.open()
    except RemotingError as error:
        shell.drop()
        return ProbeStep("sign-in", False, error.message, error.hint)
    shell.end()
    return ProbeStep("sign-in", True, f"{endpoint.username} may run commands.")


@contextlib.contextmanager
def _connection(endpoint: Endpoint) -> Iterator[socket.socket]:
    where = (endpoint.address, endpoint.port)
    with socket.create_connection(where, timeout=wire.CONNECT_SECONDS) as connection:
        yield connection

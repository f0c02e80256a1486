"""Which ways to sign in a host offers, asked without a credential."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor

from apps.remoting import probing, translation
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import RemotingError

STANDARD = ((5986, True), (5985, False))
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z]+)(?=[\s,]|$)")


@dataclasses.dataclass(frozen=True)
class Listener:
    """One port of a host: `schemes` are the names in its WWW-Authenticate, in lower case.

    None of them: nothing answers there, or no WinRM service. `distrust` is why its certificate
    would not pass as the endpoint is set now; "" when it would, or without TLS. `fingerprint`:
    SHA-256 in hex of that certificate.
    """

    port: int
    use_tls: bool
    schemes: frozenset[str] = frozenset()
    distrust: str = ""
    fingerprint: str = ""


def survey(endpoint: Endpoint) -> list[Listener]:
    """The endpoint's own port and WinRM's two; takes no longer than the slowest of them."""
    ports = dict.fromkeys([(endpoint.port, endpoint.use_tls), *STANDARD])
    with ThreadPoolExecutor(len(ports), thread_name_prefix="survey") as threads:
        return list(threads.map(lambda pair: _listener(_bare(endpoint, *pair)), ports))


def _bare(endpoint: Endpoint, port: int, use_tls: bool) -> Endpoint:
    """The endpoint at another port, without anything that could sign in."""
    return dataclasses.replace(
        endpoint, port=port, use_tls=use_tls, transport="ntlm", password="",
        client_certificate="", client_key="",
    )  # fmt: skip


def _listener(endpoint: Endpoint) -> Listener:
    found = Listener(endpoint.port, endpoint.use_tls)
    try:
        if endpoint.use_tls:
            fingerprint = hashlib.sha256(probing.shown_certificate(endpoint)).hexdigest()
            distrust = probing.distrust(endpoint, fingerprint)
            found = dataclasses.replace(found, distrust=distrust, fingerprint=fingerprint)
            # It is only asked what it offers: whose it is makes no difference to that.
            endpoint = dataclasses.replace(endpoint, fingerprint=fingerprint)
        offered = translation.guarded(endpoint, _schemes, endpoint)
    except (OSError, RemotingError):
        return found
    return dataclasses.replace(found, schemes=offered)


def _schemes(endpoint: Endpoint) -> frozenset[str]:
    """What a request without a sign-in is told to sign in by."""
    answer = probing.bare_post(endpoint, "", {})
    if answer.status_code != 401:
        return frozenset()
    header = answer.headers.get("WWW-Authenticate", "")
    return frozenset(name.lower() for name in _SCHEME.findall(header))

"""TLS to hosts: an authority of one's own, or one pinned certificate; never unverified."""

from __future__ import annotations

import functools
import ssl
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter

from apps.remoting.endpoint import Endpoint


@functools.lru_cache(maxsize=256)
def context(ca_certificate: str, *, is_pinned: bool) -> ssl.SSLContext:
    """The context for an authority, made once: loading trust anew costs 20 ms a connection.

    A pinned certificate is compared after the handshake, so the handshake itself checks nothing.
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
    return made


def context_for(endpoint: Endpoint) -> ssl.SSLContext:
    return context(
        "" if endpoint.fingerprint else endpoint.ca_certificate,
        is_pinned=bool(endpoint.fingerprint),
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
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to add to the pool's own settings."""

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, dict(self._trust)

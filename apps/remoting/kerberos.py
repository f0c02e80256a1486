"""Sign-in by Kerberos: tickets of each credential's own, and the exchange with a host.

Tickets lie in memory caches that only this module names: never in the process's default cache,
which other credentials and other threads would share. The libraries are an extra: they are built
against the machine's libkrb5 (requirements-kerberos.txt).
"""

from __future__ import annotations

import base64
import importlib.util
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
import spnego
from requests.auth import AuthBase
from requests_ntlm import HttpNtlmAuth
from spnego.channel_bindings import GssChannelBindings

from apps.remoting.endpoint import Endpoint

RENEW_BEFORE = 3600.0
"""Seconds. A session lives for half an hour: its tickets outlive it."""
INSTALL_HINT = (
    "On the portal's machines, install libkrb5-dev, gcc and Python's headers, then run"
    " pip install -r requirements-kerberos.txt and start the portal anew."
)


class KerberosMissing(Exception):
    """The extra isn't installed here."""


class TicketRefused(Exception):
    """The domain's key distribution centre gave no ticket; the text is libkrb5's."""


def is_available() -> bool:
    return all(importlib.util.find_spec(name) for name in ("gssapi", "krb5"))


@dataclass
class _Cache:
    """`ends` and `life` in seconds; `handles` keep the cache and the one before it alive."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    name: str = ""
    ends: float = 0.0
    life: float = 0.0
    handles: list[Any] = field(default_factory=list)


class Tickets:
    """One cache for each user name and password. Safe to ask from any thread."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._caches: dict[tuple[str, str], _Cache] = {}

    def cache(self, username: str, password: str) -> str:
        """The name of a cache whose ticket lasts; raises KerberosMissing, TicketRefused."""
        if not is_available():
            raise KerberosMissing
        with self._lock:
            cache = self._caches.setdefault((username, password), _Cache())
        with cache.lock:  # one thread asks the domain, the others wait for its ticket
            if cache.ends - self._clock() < min(RENEW_BEFORE, cache.life / 2):
                self._renew(cache, principal(username), password)
            return cache.name

    def _renew(self, cache: _Cache, name: str, password: str) -> None:
        """A new cache rather than new contents: a sign-in under way still reads the old one."""
        import krb5

        context = krb5.init_context()
        try:
            options = krb5.get_init_creds_opt_alloc(context)
            krb5.get_init_creds_opt_set_canonicalize(options, True)
            krb5.get_init_creds_opt_set_forwardable(options, False)
            credential = krb5.get_init_creds_password(
                context,
                krb5.parse_name_flags(context, name.encode()),
                options,
                password=password.encode(),
            )
            made = krb5.cc_new_unique(context, b"MEMORY")
            krb5.cc_initialize(context, made, credential.client)
            krb5.cc_store_cred(context, made, credential)
        except krb5.Krb5Error as error:
            raise TicketRefused(str(error)) from None
        cache.name = f"MEMORY:{(made.name or b'').decode()}"
        cache.ends = float(credential.times.endtime)
        cache.life = cache.ends - float(credential.times.starttime or credential.times.authtime)
        cache.handles.append(made)
        if len(cache.handles) > 2:
            krb5.cc_destroy(context, cache.handles.pop(0))


TICKETS = Tickets()


def principal(username: str) -> str:
    """user@domain as Kerberos writes it: realms are in capitals."""
    user, at, realm = username.partition("@")
    return f"{user}@{realm.upper()}" if at else user


class KerberosAuth(AuthBase):
    """Signs a connection in when the host asks for it, and proves that the host is the host."""

    def __init__(self, endpoint: Endpoint, tickets: Tickets = TICKETS) -> None:
        self._endpoint = endpoint
        self._tickets = tickets
        self._context: spnego.ContextProxy | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Connection"] = "Keep-Alive"
        request.register_hook("response", self._answered)
        return request

    def _answered(self, response: requests.Response, **options: Any) -> requests.Response:
        if response.status_code != 401 or "Authorization" in response.request.headers:
            return response
        context = self._context = self._initiator(response)
        response.content  # noqa: B018 - read to its end: the next request takes the same connection
        response.raw.release_conn()
        request = response.request.copy()
        token = base64.b64encode(context.step() or b"").decode()
        request.headers["Authorization"] = f"Kerberos {token}"
        signed_in: requests.Response = response.connection.send(request, **options)
        signed_in.history.append(response)
        if signed_in.ok:  # nothing is believed of a refusal but that it is one
            self._verify(context, signed_in)
        return signed_in

    def _initiator(self, response: requests.Response) -> spnego.ContextProxy:
        cache = self._tickets.cache(self._endpoint.username, self._endpoint.password)
        return spnego.client(
            spnego.KerberosCCache(cache),
            hostname=self._endpoint.service_name or self._endpoint.address,
            service="HTTP",
            protocol="kerberos",
            channel_bindings=_bindings(response),
            options=spnego.NegotiateOptions.wrapping_winrm,
        )

    def _verify(self, context: spnego.ContextProxy, response: requests.Response) -> None:
        """Raises SpnegoError unless the host answers with what only its own key can make."""
        scheme, _, token = response.headers.get("WWW-Authenticate", "").partition(" ")
        if scheme.lower() in ("kerberos", "negotiate") and token:
            context.step(base64.b64decode(token))
        if not context.complete:
            raise spnego.exceptions.InvalidTokenError(context_msg="the host has not proved itself")

    # What pywinrm's message encryption asks of a sign-in.

    def wrap_winrm(self, host: str, message: bytes) -> tuple[bytes, bytes]:
        wrapped = self._sealing().wrap_winrm(message)
        return wrapped.data, wrapped.header

    def unwrap_winrm(self, host: str, message: bytes, signature: bytes) -> bytes:
        return self._sealing().unwrap_winrm(signature, message)

    def _sealing(self) -> spnego.ContextProxy:
        if self._context is None:
            raise spnego.exceptions.NoContextError(context_msg="nobody has signed in")
        return self._context


def _bindings(response: requests.Response) -> GssChannelBindings | None:
    """What binds the sign-in to the TLS channel of a response; as requests_ntlm finds it."""
    digest = HttpNtlmAuth(None, None)._get_server_cert(response)
    if digest is None:
        return None
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)

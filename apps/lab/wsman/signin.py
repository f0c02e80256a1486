"""Who is at the other end of a connection: NTLM and SPNEGO by pyspnego, Basic over TLS."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import spnego
from spnego.channel_bindings import GssChannelBindings

from apps.lab.wsman.hosts import Account, WsmanHost

_USER_FILE = threading.Lock()
_NTLM = b"NTLMSSP\x00"
_BAD_TOKEN = (
    spnego.exceptions.SpnegoError,
    # How pyspnego's parsers stumble over bytes that are no token at all.
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    struct.error,
)


@dataclass(frozen=True)
class Step:
    """Where a sign-in stands: `token` goes back to the client (None: nothing to send)."""

    token: bytes | None = None
    refused: bool = False


class UserFiles:
    """pyspnego's NTLM acceptor knows users from one file, named by an environment variable.

    Each host has accounts of its own, so the variable points to that host's file for exactly as
    long as a step of a sign-in takes; the lock keeps two servers of one process apart.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, tuple[Account, ...]] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def of(self, host: WsmanHost) -> Iterator[None]:
        """Makes a host's accounts the ones that NTLM knows."""
        with _USER_FILE:
            before = os.environ.get("NTLM_USER_FILE")
            os.environ["NTLM_USER_FILE"] = str(self._file(host))
            try:
                yield
            finally:
                if before is None:
                    del os.environ["NTLM_USER_FILE"]
                else:
                    os.environ["NTLM_USER_FILE"] = before

    def _file(self, host: WsmanHost) -> Path:
        path = self._folder / f"{host.name}.users"
        accounts = tuple(host.accounts)
        if self._written.get(host.name) != accounts or not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.writelines(_lines(accounts, host.name))
            self._written[host.name] = accounts
        return path


def _lines(accounts: Sequence[Account], host_name: str) -> Iterator[str]:
    for account in accounts:
        for domain, user in account.spellings(host_name):
            yield f"{domain}:{user}:{account.password}\n"


class SignIn:
    """The sign-in of one TCP connection; `principal` is set once it has succeeded.

    NTLM signs the connection in, not a request: what is learnt here holds until it is closed.
    """

    def __init__(self, host: WsmanHost, users: UserFiles, certificate: bytes | None) -> None:
        self._host = host
        self._users = users
        self._bindings = _bindings(certificate) if certificate else None
        self._is_tls = certificate is not None
        self._context: spnego.ContextProxy | None = None
        self.principal = ""
        self.scheme = ""

    @property
    def keys(self) -> spnego.ContextProxy | None:
        """What seals and unseals this connection's bodies; None before the sign-in, and Basic."""
        return self._context if self._context and self._context.complete else None

    @property
    def offers(self) -> list[tuple[str, str]]:
        """The headers of a bare 401. Basic shows the password: never without TLS."""
        offers = [("WWW-Authenticate", "Negotiate")]
        if self._is_tls:
            offers.append(("WWW-Authenticate", 'Basic realm="WSMAN"'))
        return offers

    def take(self, authorization: str) -> Step:
        """One Authorization header; sets `principal` when it completes the sign-in."""
        scheme, _, value = authorization.partition(" ")
        try:
            blob = base64.b64decode(value.strip(), validate=True)
        except binascii.Error:
            return Step(refused=True)
        self.scheme = scheme
        if scheme.lower() == "basic" and self._is_tls:
            return self._basic(blob)
        if scheme.lower() in ("negotiate", "ntlm"):
            return self._negotiate(blob)
        return Step(refused=True)

    def _basic(self, blob: bytes) -> Step:
        user, _, password = _text(blob).partition(":")
        domain, separator, name = user.rpartition("\\")
        wanted = (domain.casefold(), name.casefold()) if separator else ("", user.casefold())
        for account in self._host.accounts:
            spellings = account.spellings(self._host.name)
            known = any((d.casefold(), u.casefold()) == wanted for d, u in spellings)
            right = hmac.compare_digest(account.password.encode(), password.encode())
            if known and right:
                self.principal = account.username
                return Step()
        self.principal = ""
        return Step(refused=True)

    def _negotiate(self, blob: bytes) -> Step:
        self.principal = ""
        if self._context is None or self._context.complete or _starts(blob):
            self._context = self._acceptor(blob)
        try:
            with self._users.of(self._host):
                token = self._context.step(blob)
        except _BAD_TOKEN:
            self._context = None
            return Step(refused=True)
        if self._context.complete:
            self.principal = self._context.client_principal or ""
        return Step(token)

    def _acceptor(self, blob: bytes) -> spnego.ContextProxy:
        """Windows offers only Negotiate, and takes raw NTLM under that name as well."""
        raw = blob.startswith(_NTLM)
        with self._users.of(self._host):
            return spnego.server(
                protocol="ntlm" if raw else "negotiate",
                channel_bindings=self._bindings,
                options=spnego.NegotiateOptions.use_ntlm
                if raw
                else spnego.NegotiateOptions.use_negotiate,
            )


def _text(blob: bytes) -> str:
    """Clients write Basic in UTF-8 or in Latin-1; nothing in the header says which."""
    try:
        return blob.decode()
    except UnicodeDecodeError:
        return blob.decode("latin-1")


def _starts(blob: bytes) -> bool:
    """Whether a token opens a new sign-in: NTLM's message type 1."""
    return blob.startswith(_NTLM + b"\x01\x00\x00\x00")


def _bindings(certificate: bytes) -> GssChannelBindings:
    digest = hashlib.sha256(certificate).digest()
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)

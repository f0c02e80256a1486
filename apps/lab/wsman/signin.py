"""Who is at the other end of a connection: NTLM, SPNEGO and CredSSP by pyspnego; over TLS also
Basic and a certificate."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hmac
import os
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import spnego
from cryptography import x509
from spnego.channel_bindings import GssChannelBindings

from apps.lab.wsman import binding, pki
from apps.lab.wsman.doors import CertificateMapping
from apps.lab.wsman.hosts import Account, WsmanHost

_USER_FILE = threading.Lock()
_NTLM = b"NTLMSSP\x00"
_KERBEROS = bytes.fromhex("06092a864886f712010202")  # the object identifier of its tokens
_BAD_TOKEN = (
    spnego.exceptions.SpnegoError,
    # How pyspnego's parsers stumble over bytes that are no token at all.
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    struct.error,
    ssl.SSLError,
)


MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"


@dataclasses.dataclass(frozen=True)
class Channel:
    """The TLS channel of a connection: the certificates (DER) that its two ends have shown.

    `authorities`: those that a host's mappings may name, by the text by which they do.
    """

    server: bytes
    client: bytes | None
    authorities: Mapping[str, x509.Certificate]

    @property
    def bindings(self) -> GssChannelBindings:
        return binding.of_certificate(self.server)

    def is_mapped(self, mapping: CertificateMapping) -> bool:
        """TLS has checked that the certificate is its holder's; here: whose that is."""
        if self.client is None:
            return False
        shown = x509.load_der_x509_certificate(self.client)
        issuer = self.authorities[mapping.authority]
        return mapping.subject.casefold() in pki.subjects(shown) and pki.is_signed_by(shown, issuer)


@dataclasses.dataclass(frozen=True)
class Step:
    """Where a sign-in stands: `token` goes back to the client (None: nothing to send)."""

    token: bytes | None = None
    refused: bool = False


class UserFiles:
    """pyspnego's acceptors know users and keys from one file each, named by the environment.

    Each host has accounts and keys of its own, so the variables point to that host's files for
    exactly as long as a step of a sign-in takes; the lock keeps two servers of one process apart.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, tuple[Account, ...]] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def of(self, host: WsmanHost) -> Iterator[None]:
        """Makes a host's accounts the ones that NTLM knows."""
        with _USER_FILE:
            wanted = {
                "NTLM_USER_FILE": str(self._file(host)),
                "KRB5_KTNAME": host.doors.keytab or os.devnull,
            }
            before = {name: os.environ.get(name) for name in wanted}
            os.environ.update(wanted)
            try:
                yield
            finally:
                for name, value in before.items():
                    if value is None:
                        del os.environ[name]
                    else:
                        os.environ[name] = value

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
    Basic and a certificate count for the request that names them.
    """

    def __init__(self, host: WsmanHost, users: UserFiles, channel: Channel | None) -> None:
        self._host = host
        self._users = users
        self._channel = channel
        self._context: spnego.ContextProxy | None = None
        self._is_for_one_request = False
        self.principal = ""
        self.scheme = ""

    @property
    def keys(self) -> spnego.ContextProxy | None:
        """What seals and unseals this connection's bodies; None before the sign-in, and Basic."""
        return self._context if self._context and self._context.complete else None

    @property
    def offers(self) -> list[tuple[str, str]]:
        """The headers of a bare 401. A certificate is not offered: it shows in the handshake."""
        offers = [("WWW-Authenticate", "Negotiate")]
        if self._host.doors.keytab:
            offers.append(("WWW-Authenticate", "Kerberos"))
        if self._takes_basic:
            offers.append(("WWW-Authenticate", 'Basic realm="WSMAN"'))
        if self._host.doors.credssp:
            offers.append(("WWW-Authenticate", "CredSSP"))
        return offers

    def next_request(self) -> None:
        """Forgets who asked the last one, where that was told with it."""
        if self._is_for_one_request:
            self.principal = ""

    def take(self, authorization: str) -> Step:
        """One Authorization header; sets `principal` when it completes the sign-in."""
        scheme, _, value = authorization.partition(" ")
        self._is_for_one_request = scheme.lower() in ("basic", MUTUAL)
        if scheme.lower() == MUTUAL:
            return self._certificate()
        try:
            blob = base64.b64decode(value.strip(), validate=True)
        except binascii.Error:
            return Step(refused=True)
        is_new = scheme != self.scheme
        self.scheme = scheme
        if scheme.lower() == "basic" and self._takes_basic:
            return self._basic(blob)
        if scheme.lower() in self._handshakes:
            return self._handshake(blob, is_new=is_new)
        return Step(refused=True)

    @property
    def _takes_basic(self) -> bool:
        """It shows the password: never without TLS."""
        return self._channel is not None and self._host.doors.basic

    @property
    def _handshakes(self) -> tuple[str, ...]:
        doors = self._host.doors
        credssp = ("credssp",) if doors.credssp else ()
        kerberos = ("kerberos",) if doors.keytab else ()
        return ("negotiate", "ntlm", *kerberos, *credssp)

    def _certificate(self) -> Step:
        for mapping in self._host.doors.certificates:
            if self._channel is not None and self._channel.is_mapped(mapping):
                first = next((account.username for account in self._host.accounts), "")
                return self._end(mapping.username or first)
        return self._end("")

    def _end(self, name: str) -> Step:
        """Ends a sign-in: whoever it is has to have an account here, however they write it."""
        account = self._account(name)
        self.principal = account.principal(self._host.name) if account else ""
        return Step(refused=account is None)

    def _account(self, name: str) -> Account | None:
        domain, separator, user = name.rpartition("\\")
        wanted = (domain.casefold(), user.casefold()) if separator else ("", name.casefold())
        for account in self._host.accounts:
            spellings = account.spellings(self._host.name)
            if any((d.casefold(), u.casefold()) == wanted for d, u in spellings):
                return account
        return None

    def _basic(self, blob: bytes) -> Step:
        user, _, password = _text(blob).partition(":")
        account = self._account(user)
        known = account.password if account else ""
        right = hmac.compare_digest(known.encode(), password.encode())
        return self._end(user if right else "")

    def _handshake(self, blob: bytes, *, is_new: bool) -> Step:
        self.principal = ""
        if self._context is None or self._context.complete or is_new or _starts(blob):
            self._context = self._acceptor(blob)
        try:
            bindings = self._bindings(blob)
            with self._users.of(self._host):
                token = self._context.step(blob, channel_bindings=bindings)
        except _BAD_TOKEN:
            self._context = None
            return Step(refused=True)
        if not self._context.complete:
            return Step(token)
        if self._must_be_bound and binding.is_unbound_kerberos(self._context):
            return Step(refused=True)
        return dataclasses.replace(self._end(self._context.client_principal or ""), token=token)

    @property
    def _must_be_bound(self) -> bool:
        is_strict = self._host.doors.channel_binding == "strict"
        return self._channel is not None and is_strict and self.scheme.lower() != "credssp"

    def _bindings(self, blob: bytes) -> GssChannelBindings | None:
        """What the token's binding has to be; raises BadBindingsError for one that has none."""
        hardening = self._host.doors.channel_binding
        if self._channel is None or hardening == "none" or self.scheme.lower() == "credssp":
            return None  # CredSSP binds itself to the key of its own channel
        if binding.ntlm_binding(blob) == b"":
            if self._must_be_bound:
                raise spnego.exceptions.BadBindingsError(context_msg="bound to no channel")
            return None
        return self._channel.bindings

    def _acceptor(self, blob: bytes) -> spnego.ContextProxy:
        """Windows takes raw tokens of NTLM and Kerberos under the name Negotiate as well."""
        if self.scheme.lower() == "credssp":
            return spnego.server(protocol="credssp")
        options = spnego.NegotiateOptions
        with self._users.of(self._host):
            if blob.startswith(_NTLM):
                return spnego.server(protocol="ntlm", options=options.use_ntlm)
            if _KERBEROS in blob[:20] and self._host.doors.keytab:
                return spnego.server(protocol="kerberos", options=options.wrapping_winrm)
            return spnego.server(
                protocol="negotiate", options=options.use_negotiate | options.wrapping_winrm
            )


def _text(blob: bytes) -> str:
    """Clients write Basic in UTF-8 or in Latin-1; nothing in the header says which."""
    try:
        return blob.decode()
    except UnicodeDecodeError:
        return blob.decode("latin-1")


def _starts(blob: bytes) -> bool:
    """Whether a token opens a new sign-in: NTLM's message type 1, or a TLS client's greeting."""
    is_hello = blob[:1] == b"\x16" and blob[5:6] == b"\x01"
    return is_hello or blob.startswith(_NTLM + b"\x01\x00\x00\x00")

"""Where a host is and how to sign in to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

_FINGERPRINT = re.compile(r"^[0-9a-f]{64}$")
TransportName = Literal["ntlm", "basic", "certificate", "credssp", "kerberos"]
TRANSPORTS: tuple[str, ...] = get_args(TransportName)


@dataclass(frozen=True)
class Endpoint:
    """One WinRM listener with the credential for it; lives in a worker's memory only.

    `ca_certificate`: PEM of the authority that the host's certificate must lead to. `fingerprint`:
    SHA-256 in hex of the one certificate that is accepted instead, colons allowed; it goes before
    the authority. With neither, the machine's own trust store decides. `name` is what people call
    the host. `keeps_powershell`: one PowerShell serves many calls; False starts one for each.
    `client_certificate` and `client_key`: PEM, for the transport "certificate", which needs no
    password. `service_name`: the host's name as Kerberos knows it, where the address is another.
    Raises ValueError for what could not work or would show the password.
    """

    address: str
    port: int
    use_tls: bool
    transport: str
    username: str
    password: str = field(repr=False)
    ca_certificate: str = field(default="", repr=False)
    fingerprint: str = ""
    name: str = ""
    keeps_powershell: bool = True
    client_certificate: str = field(default="", repr=False)
    client_key: str = field(default="", repr=False)
    service_name: str = ""

    def __post_init__(self) -> None:
        if self.transport not in TRANSPORTS:
            raise ValueError(f"transport must be one of {', '.join(TRANSPORTS)}")
        if self.transport == "basic" and not self.use_tls:
            raise ValueError("Basic sign-in shows the password on the wire: it needs TLS")
        if self.transport == "certificate":
            if not self.use_tls:
                raise ValueError("A certificate is shown in TLS's handshake: it needs TLS")
            if not (self.client_certificate and self.client_key):
                raise ValueError("transport certificate needs client_certificate and client_key")
        plain = self.fingerprint.replace(":", "").replace(" ", "").lower()
        if plain and not _FINGERPRINT.match(plain):
            raise ValueError("fingerprint must be the 64 hex digits of a SHA-256")
        object.__setattr__(self, "fingerprint", plain)

    @property
    def label(self) -> str:
        """What messages call the host."""
        return self.name or self.address

    @property
    def sign_in(self) -> TransportName:
        """The transport, as the checked word that it is."""
        return cast(TransportName, self.transport)

    @property
    def url(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'https' if self.use_tls else 'http'}://{host}:{self.port}/wsman"

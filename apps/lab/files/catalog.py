"""Volume signature catalogs (VSC) of the lab: name, version, signer, hashes of a template disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.lab.files import signed
from apps.lab.identities import Identity, thumbprint

KIND = "VSC"


@dataclass(frozen=True)
class Catalog:
    """`hashes` are SHA-256, by what they are of: "boot" image and encrypted "volume"."""

    name: str
    version: str
    certificate: bytes
    hashes: dict[str, str]

    @property
    def signer_thumbprint(self) -> str:
        return thumbprint(self.certificate)


def write(name: str, version: str, hashes: dict[str, str], signer: Identity) -> bytes:
    body = {
        "name": name,
        "version": version,
        "certificate": signed.to_text(signer.der),
        "hashes": hashes,
    }
    return signed.write(KIND, body, signer)


def read(content: bytes) -> Catalog:
    """Raises signed.NotThis, signed.Tampered."""
    body = signed.read(KIND, content, _certificate)
    return Catalog(body["name"], body["version"], _certificate(body), body["hashes"])


def _certificate(body: dict[str, Any]) -> bytes:
    return signed.from_text(body["certificate"])


def version_key(version: str) -> tuple[int, ...]:
    """A version a.b.c.d as something that can be compared."""
    return tuple(int(part) for part in version.split("."))

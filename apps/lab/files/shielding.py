"""Shielding data files (PDK) of the lab, and the files with values for them (FSK).

In the clear: policy, key protector, template qualifiers. Encrypted with a key that only the owner
and the guardians can open: the answer file and other secrets. The owner signs all of it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.lab.files import protector, signed
from apps.lab.files.catalog import Catalog, version_key
from apps.lab.files.protector import Party, Protector
from apps.lab.identities import Identity, thumbprint

KIND = "PDK"
VALUES_KIND = "FABRIC-PORTAL-LAB-FSK\n"
RULES = ("Equals", "GreaterThan", "GreaterThanOrEquals")
POLICIES = ("Shielded", "EncryptionSupported")
_PLACEHOLDER = re.compile(r"@[A-Za-z][A-Za-z0-9-]*@")


@dataclass(frozen=True)
class Qualifier:
    """Which template disks are meant: name, signer (DER), and a rule about the version."""

    name: str
    version_rule: str
    version: str
    certificate: bytes

    def fits(self, catalog: Catalog) -> bool:
        mine, its = version_key(self.version), version_key(catalog.version)
        right = {"Equals": its == mine, "GreaterThan": its > mine}.get(
            self.version_rule, its >= mine
        )
        return right and self.name == catalog.name and self.certificate == catalog.certificate


@dataclass(frozen=True)
class Owner:
    """A tenant's guardian of its own, with the private keys."""

    signing: Identity
    encryption: Identity

    @property
    def party(self) -> Party:
        return Party(self.signing.der, self.encryption.der)


@dataclass(frozen=True)
class ShieldingData:
    policy: str
    protector_bytes: bytes
    protector: Protector
    qualifiers: tuple[Qualifier, ...]
    substitution_keys: tuple[str, ...]
    sealed: bytes

    @property
    def for_existing_vm(self) -> bool:
        return not self.qualifiers

    def applies_to(self, catalog: Catalog) -> bool:
        return any(qualifier.fits(catalog) for qualifier in self.qualifiers)

    def answer_file(self, encryption: Identity) -> str | None:
        """The answer file, for a guardian that may open it; None for one that may not."""
        key = self.protector.open(encryption)
        if key is None:
            return None
        try:
            plain = AESGCM(key).decrypt(self.sealed[:12], self.sealed[12:], KIND.encode())
        except InvalidTag:
            raise signed.Tampered("the encrypted part is damaged") from None
        return str(json.loads(plain)["answer_file"])


def write(
    owner: Owner,
    guardians: Sequence[Party],
    qualifiers: Sequence[Qualifier],
    answer_file: str,
    policy: str,
) -> bytes:
    """A PDK for new VMs. The names of the values that its answer file asks for are told too:
    Windows keeps them to itself, but a demo without them could ask for nothing."""
    blob, key = protector.write(owner.signing, owner.party, guardians)
    nonce = os.urandom(12)
    secret = json.dumps({"answer_file": answer_file}).encode()
    body = {
        "policy": policy,
        "key_protector": signed.to_text(blob),
        "qualifiers": [
            {
                "name": row.name,
                "version_rule": row.version_rule,
                "version": row.version,
                "certificate": signed.to_text(row.certificate),
            }
            for row in qualifiers
        ],
        "substitution_keys": placeholders(answer_file),
        "sealed": signed.to_text(nonce + AESGCM(key).encrypt(nonce, secret, KIND.encode())),
    }
    return signed.write(KIND, body, owner.signing)


def placeholders(answer_file: str) -> list[str]:
    """The @Names@ in an answer file, each once, in order."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(answer_file)))


def read(content: bytes) -> ShieldingData:
    """Raises signed.NotThis, signed.Tampered."""
    body = signed.read(KIND, content, _signer)
    blob = signed.from_text(body["key_protector"])
    return ShieldingData(
        policy=body["policy"],
        protector_bytes=blob,
        protector=protector.read(blob),
        qualifiers=tuple(
            Qualifier(
                row["name"],
                row["version_rule"],
                row["version"],
                signed.from_text(row["certificate"]),
            )
            for row in body["qualifiers"]
        ),
        substitution_keys=tuple(body["substitution_keys"]),
        sealed=signed.from_text(body["sealed"]),
    )


def _signer(body: dict[str, Any]) -> bytes:
    """The owner's signing certificate, which the key protector holds."""
    return protector.read(signed.from_text(body["key_protector"])).owner.signing


def thumbprints(party: Party) -> list[str]:
    """Signing certificate first."""
    return [thumbprint(party.signing), thumbprint(party.encryption)]


# ---- values for the answer file
def write_values(values: dict[str, str]) -> bytes:
    text = json.dumps(values, ensure_ascii=False, indent=1, sort_keys=True)
    return f"{VALUES_KIND}{text}\n".encode()


def read_values(content: bytes) -> dict[str, str]:
    """Raises signed.NotThis, signed.Tampered."""
    if not content.startswith(VALUES_KIND.encode()):
        raise signed.NotThis("FSK")
    try:
        values = json.loads(content[len(VALUES_KIND) :])
        return {str(key): str(value) for key, value in values.items()}
    except (ValueError, AttributeError):
        raise signed.Tampered("the file with the values is damaged") from None

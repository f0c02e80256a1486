"""Key protectors as [MS-KPS] describes them: who may open a shielded VM's keys.

A 32-byte transport key, encrypted to the owner and to each guardian. What Hyper-V stores is the
XML with its total length in four bytes, big endian, in front.
"""

from __future__ import annotations

import os
import struct
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

import defusedxml.ElementTree as defused
from defusedxml.common import DefusedXmlException

from apps.lab.files.signed import Tampered, from_text, to_text
from apps.lab.identities import Identity, verifies, wrap

NAMESPACE = "http://schemas.microsoft.com/kps/2014/07"
NONE = b"\0\0\0\4"  # no key protector
_RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_RSA_OAEP = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
_KEY_BYTES = 32


@dataclass(frozen=True)
class Party:
    """Both certificates (DER) of an owner or guardian, and the transport key wrapped to it."""

    signing: bytes
    encryption: bytes
    wrapped_key: bytes = b""


@dataclass(frozen=True)
class Protector:
    owner: Party
    guardians: tuple[Party, ...]

    def open(self, encryption: Identity) -> bytes | None:
        """The transport key for the holder of an encryption key; None for anybody else."""
        for party in (self.owner, *self.guardians):
            if party.encryption == encryption.der:
                return encryption.unwrap(party.wrapped_key)
        return None


def write(
    owner_signing: Identity, owner: Party, guardians: Sequence[Party], key: bytes | None = None
) -> tuple[bytes, bytes]:
    """(bytes as Hyper-V stores them, transport key)."""
    key = key or os.urandom(_KEY_BYTES)
    root = ET.Element("Protector", xmlns=NAMESPACE)
    wrappings = ET.SubElement(root, "Wrappings")
    for number, party in enumerate((owner, *guardians)):
        _wrapping(wrappings, number, party, owner_signing, key)
    signature = ET.SubElement(ET.SubElement(root, "GuardianSignature", WrappingId="0"), "Signature")
    _sign(signature, owner_signing, ET.tostring(wrappings))
    document = ET.tostring(root, encoding="utf-8")
    return struct.pack(">I", 4 + len(document)) + document, key


def _wrapping(parent: ET.Element, number: int, party: Party, signer: Identity, key: bytes) -> None:
    row = ET.SubElement(parent, "Wrapping")
    ET.SubElement(row, "Id").text = str(number)
    ET.SubElement(row, "SigningCertificate").text = to_text(party.signing)
    made = ET.SubElement(row, "SigningCertificateSignature", ParentWrappingId="0")
    _sign(ET.SubElement(made, "Signature"), signer, party.signing)
    ET.SubElement(row, "EncryptionCertificate").text = to_text(party.encryption)
    made = ET.SubElement(row, "EncryptionCertificateSignature")
    _sign(ET.SubElement(made, "Signature"), signer, party.encryption)
    data = ET.SubElement(ET.SubElement(row, "TransportKey"), "EncryptedData", Algorithm=_RSA_OAEP)
    ET.SubElement(data, "CipherValue").text = to_text(wrap(party.encryption, key))


def _sign(element: ET.Element, signer: Identity, content: bytes) -> None:
    element.set("Algorithm", _RSA_SHA256)
    ET.SubElement(element, "SignatureValue").text = to_text(signer.sign(content))


def read(content: bytes) -> Protector:
    """Raises Tampered where the bytes are no protector that its owner signed."""
    try:
        if struct.unpack(">I", content[:4])[0] != len(content):
            raise ValueError("the length in front is not that of what follows")
        root = defused.fromstring(content[4:])
        rows = [_party(row) for row in root.iter(f"{{{NAMESPACE}}}Wrapping")]
        owner, *guardians = [party for party, _ in rows]
        good = all(
            verifies(owner.signing, signature, certificate)
            for party, signatures in rows
            for certificate, signature in zip(
                (party.signing, party.encryption), signatures, strict=True
            )
        )
    except (ValueError, AttributeError, struct.error, ET.ParseError, DefusedXmlException):
        raise Tampered("the key protector is damaged") from None
    if not good:
        raise Tampered("the key protector was not signed by its owner")
    return Protector(owner, tuple(guardians))


def _party(row: ET.Element) -> tuple[Party, list[bytes]]:
    def value(path: str) -> bytes:
        found = row.find("/".join(f"{{{NAMESPACE}}}{part}" for part in path.split("/")))
        if found is None:
            raise ValueError(f"the key protector has no {path}")
        return from_text(found.text or "")

    party = Party(
        value("SigningCertificate"),
        value("EncryptionCertificate"),
        value("TransportKey/EncryptedData/CipherValue"),
    )
    return party, [
        value(f"{kind}Signature/Signature/SignatureValue")
        for kind in ("SigningCertificate", "EncryptionCertificate")
    ]

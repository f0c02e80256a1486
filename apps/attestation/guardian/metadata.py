"""What a guardian service's metadata.xml says ([MS-KPS] 6.4): its certificates, and whether the
signing certificate vouches for them.
"""

import base64
import hashlib
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from apps.attestation.choices import CertificateKind

KPS = "{http://schemas.microsoft.com/kps/2014/07}"
ALGORITHMS = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": hashes.SHA256(),
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": hashes.SHA384(),
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": hashes.SHA512(),
}


class MetadataProblem(Exception):
    """A document that isn't a guardian's metadata."""


@dataclass(frozen=True)
class Named:
    """A certificate of the document; `verified`: the signing certificate's key vouches for it."""

    kind: CertificateKind
    certificate: x509.Certificate
    der: bytes
    verified: bool

    @property
    def thumbprint(self) -> str:
        return hashlib.sha1(self.der, usedforsecurity=False).hexdigest().upper()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.der).hexdigest()

    @property
    def subject(self) -> str:
        return self.certificate.subject.rfc4514_string()[:512]


def parse(document: str) -> list[Named]:
    """The certificates. Raises MetadataProblem."""
    try:
        root = fromstring(document)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise MetadataProblem("The metadata isn’t XML that can be read.") from error
    part = root.find(f"{KPS}GuardianInformation")
    if root.tag != f"{KPS}Metadata" or part is None:
        raise MetadataProblem("The document isn’t a guardian’s metadata.")
    signing = _certificate(part, "SigningCertificate")
    encryption = _certificate(part, "EncryptionCertificate")
    found = [
        _named(part, CertificateKind.SIGNING, signing, signing, "SigningCertificateSelfSignature"),
        _named(
            part, CertificateKind.ENCRYPTION, encryption, signing, "EncryptionCertificateSignature"
        ),
    ]
    others = part.find(f"{KPS}OtherSigningCertificates")
    for other in others if others is not None else ():
        der = _decoded(other.text)
        found.append(Named(CertificateKind.OTHER_SIGNING, _load(der), der, verified=False))
    return found


def _certificate(part: Element, name: str) -> bytes:
    found = part.find(f"{KPS}{name}")
    if found is None:
        raise MetadataProblem(f"The metadata names no {name}.")
    return _decoded(found.text)


def _named(
    part: Element, kind: CertificateKind, der: bytes, signer: bytes, signature: str
) -> Named:
    vouched = _vouches(_load(signer), part.find(f"{KPS}{signature}"), der)
    return Named(kind, _load(der), der, vouched)


def _vouches(signer: x509.Certificate, element: Element | None, content: bytes) -> bool:
    """Whether a signature of the document is right. What can't be checked isn't."""
    value = element.find(f"{KPS}SignatureValue") if element is not None else None
    algorithm = ALGORITHMS.get(element.get("Algorithm", "")) if element is not None else None
    if value is None or algorithm is None:
        return False
    key = signer.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(_decoded(value.text), content, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_decoded(value.text), content, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, MetadataProblem):
        return False
    return True


def _load(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise MetadataProblem("A certificate of the metadata can’t be read.") from error


def _decoded(text: str | None) -> bytes:
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except ValueError as error:
        raise MetadataProblem("A part of the metadata isn’t base64.") from error

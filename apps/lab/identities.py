"""Certificates with their keys: made once, kept in a folder, the same ever after."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

YEARS = 5
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


@dataclass(frozen=True)
class Identity:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def thumbprint(self) -> str:
        return thumbprint(self.der)

    def sign(self, content: bytes) -> bytes:
        return self.key.sign(content, padding.PKCS1v15(), hashes.SHA256())

    def unwrap(self, wrapped: bytes) -> bytes:
        """A key that was encrypted to this certificate; ValueError for anything else."""
        return self.key.decrypt(wrapped, OAEP)


def thumbprint(der: bytes) -> str:
    """SHA-1 of a certificate, upper-case hex, as Windows shows it."""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


def common_name(der: bytes) -> str:
    """The common name of a certificate's subject, "" where it has none."""
    names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def wrap(der: bytes, key: bytes) -> bytes:
    """A key encrypted to a certificate."""
    return _public(der).encrypt(key, OAEP)


def verifies(der: bytes, signature: bytes, content: bytes) -> bool:
    """Whether the certificate's key signed this content; a bad certificate is a bad signature."""
    try:
        _public(der).verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _public(der: bytes) -> rsa.RSAPublicKey:
    key = x509.load_der_x509_certificate(der).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("the certificate holds no RSA key")
    return key


def load_or_make(folder: Path, kind: str, common_name: str) -> Identity:
    """`<kind>.crt` and `<kind>.key` of the folder; `kind` "encryption" decides the key's usage."""
    key_file, certificate_file = folder / f"{kind}.key", folder / f"{kind}.crt"
    if not certificate_file.exists():
        _keep(key_file, certificate_file, make(common_name, kind))
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(f"{key_file} holds no RSA key")
    return Identity(x509.load_pem_x509_certificate(certificate_file.read_bytes()), key)


def _keep(key_file: Path, certificate_file: Path, made: Identity) -> None:
    """The certificate comes last, so that a pair is whole or not there."""
    key_file.parent.mkdir(parents=True, exist_ok=True)
    private = made.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    part = key_file.with_suffix(f".{os.getpid()}")
    part.touch(0o600)
    part.write_bytes(private)
    os.replace(part, key_file)
    certificate_file.write_bytes(made.certificate.public_bytes(serialization.Encoding.PEM))


def make(common_name: str, kind: str) -> Identity:
    """A self-signed RSA-2048 certificate, as a first guardian service usually has."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
    now = datetime.now(UTC).replace(microsecond=0)
    signs = kind != "encryption"
    usage = x509.KeyUsage(
        digital_signature=signs, content_commitment=False, key_encipherment=not signs,
        data_encipherment=not signs, key_agreement=False, key_cert_sign=False, crl_sign=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key)

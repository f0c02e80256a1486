"""The lab's own certificate authority: it certifies hosts, and who signs in by certificate."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import ipaddress
import os
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = datetime.timedelta(days=3650)
_PRINCIPAL_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")  # as Windows writes users
_BACKDATED = datetime.timedelta(hours=1)  # a client's clock may be behind


@dataclass(frozen=True)
class HostCertificate:
    """What one address shows: the TLS context, and the certificate in DER for channel binding."""

    context: ssl.SSLContext
    der: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the DER form, in lower-case hex."""
        return x509.load_der_x509_certificate(self.der).fingerprint(hashes.SHA256()).hex()


class Authority:
    """A certificate authority kept in a folder, so that pinned fingerprints outlive a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._issuing = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.ca_file = folder / "ca.pem"
        self._key_file = folder / "ca.key"
        if not (self.ca_file.exists() and self._key_file.exists()):
            self._create()
        self._certificate = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        key = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self._key_file} holds a key of another kind than the lab's")
        self._key = key

    @property
    def certificate(self) -> x509.Certificate:
        return self._certificate

    def certificate_for(
        self, address: str, names: Sequence[str], clients: Sequence[x509.Certificate] = ()
    ) -> HostCertificate:
        """The certificate of an address, issued anew only when its names have changed.

        `clients`: authorities whose certificates its context asks of clients; with none it
        doesn't ask.
        """
        path = self._folder / f"{address}.pem"
        certificate = self._kept(path, address, names) or self._issue(path, address, names)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(path)
        for authority in clients:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(cadata=authority.public_bytes(serialization.Encoding.DER))
        return HostCertificate(context, certificate.public_bytes(serialization.Encoding.DER))

    def client_certificate(self, subject: str) -> tuple[Path, Path]:
        """Files of a certificate (and its key) by which `subject` signs in; made when missing."""
        name = hashlib.sha256(subject.encode()).hexdigest()[:16]
        paths = self._folder / f"client-{name}.pem", self._folder / f"client-{name}.key"
        with self._issuing:
            if not all(path.exists() for path in paths):
                self._issue_client(subject, *paths)
        return paths

    def _issue_client(self, subject: str, certificate_file: Path, key_file: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        principal = x509.OtherName(_PRINCIPAL_NAME, _utf8_string(subject))
        certificate = (
            _builder(_name(subject), self._certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([principal]), critical=False)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        _write_private(key_file, _pem(key))
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _create(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Fabric Portal lab authority")
        unsigned = _builder(name, name, key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        usage = _key_usage(key_cert_sign=True, crl_sign=True)
        certificate = (
            unsigned.add_extension(usage, critical=True)
            .add_extension(_subject_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_private(self._key_file, _pem(key))
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _kept(self, path: Path, address: str, names: Sequence[str]) -> x509.Certificate | None:
        if not path.exists():
            return None
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        kept = san.get_values_for_type(x509.DNSName)
        ours = certificate.issuer == self._certificate.subject and is_signed_by(
            certificate, self._certificate
        )
        return certificate if ours and kept == list(names) else None

    def _issue(self, path: Path, address: str, names: Sequence[str]) -> x509.Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(names[0] if names else address)
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        alternatives.append(x509.IPAddress(ipaddress.ip_address(address)))
        certificate = (
            _builder(subject, self._certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_subject_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        _write_private(path, _pem(key) + pem)
        return certificate


def subjects(certificate: x509.Certificate) -> set[str]:
    """Whom a client certificate names: user principal names, and the common name. Case-folded."""
    names = [
        str(attribute.value)
        for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    with contextlib.suppress(x509.ExtensionNotFound):
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names += [
            other.value[2:].decode("utf-8", "replace")
            for other in san.get_values_for_type(x509.OtherName)
            if other.type_id == _PRINCIPAL_NAME
        ]
    return {name.casefold() for name in names}


def _utf8_string(text: str) -> bytes:
    """DER of a UTF8String of less than 128 bytes."""
    data = text.encode()
    if len(data) > 127:
        raise ValueError(f"{text[:20]}… is too long for a certificate's subject")
    return bytes([0x0C, len(data)]) + data


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _VALID)
    )


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _subject_key(key: ec.EllipticCurvePublicKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key)


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read, from its first byte on."""
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    temporary.replace(path)

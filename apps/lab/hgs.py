"""The Host Guardian Service's HTTP: what anybody may read of it.

GET /Attestation/getinfo, /Attestation/v2.0/signingCertificates and
/KeyProtection/service/metadata/2014-07/metadata.xml, as [MS-HGSA] and [MS-KPS] describe them. Keys
and certificates are made on first start and kept, so that fingerprints stay the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from apps.lab import web
from apps.lab.identities import Identity, load_or_make
from apps.lab.world import Guardian, WireFault

KPS = "http://schemas.microsoft.com/kps/2014/07"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DSIG + "enveloped-signature"
MODES = {"tpm": 1, "active-directory": 2, "host-key": 3}
METADATA = "/keyprotection/service/metadata/2014-07/metadata.xml"


@dataclass(frozen=True)
class GuardianKeys:
    """What a guardian service signs and decrypts with."""

    signing: Identity
    encryption: Identity
    attestation: Identity


def keys_of(folder: Path, guardian: Guardian) -> GuardianKeys:
    """The guardian's keys, kept below `folder` (the lab's data folder); made where missing."""
    name = hashlib.sha256(guardian.name.encode()).hexdigest()[:12]
    place = folder / "hgs" / name
    return GuardianKeys(
        load_or_make(place, "signing", f"HGS Signing Certificate ({guardian.address})"),
        load_or_make(place, "encryption", f"HGS Encryption Certificate ({guardian.address})"),
        load_or_make(place, "attestation", f"HGS Attestation Signer ({guardian.address})"),
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def metadata(keys: GuardianKeys) -> bytes:
    """metadata.xml, signed by the signing certificate.

    Written in canonical form from the start (no white space between elements, namespaces where
    they are used, attributes in order), so what is hashed is what is sent.
    """
    signature = '<{0} Algorithm="' + RSA_SHA256 + '"><SignatureValue>{1}</SignatureValue></{0}>'
    information = (
        "<GuardianInformation><Version>1</Version>"
        f"<EncryptionCertificate>{_base64(keys.encryption.der)}</EncryptionCertificate>"
        f"<SigningCertificate>{_base64(keys.signing.der)}</SigningCertificate>"
        + signature.format(
            "EncryptionCertificateSignature", _base64(keys.signing.sign(keys.encryption.der))
        )
        + signature.format(
            "SigningCertificateSelfSignature", _base64(keys.signing.sign(keys.signing.der))
        )
        + "</GuardianInformation>"
    )
    head, tail = f'<Metadata xmlns="{KPS}" ID="Metadata" Version="1">', "</Metadata>"
    digest = hashlib.sha256(f"{head}{information}{tail}".encode()).digest()
    document = f"{head}{information}{_signature(keys.signing, digest)}{tail}"
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + document.encode()


def _signature(signer: Identity, digest: bytes) -> str:
    """The enveloped ds:Signature over the whole document."""
    inner = (
        f'<CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{RSA_SHA256}"></SignatureMethod>'
        '<Reference URI=""><Transforms>'
        f'<Transform Algorithm="{ENVELOPED}"></Transform>'
        f'<Transform Algorithm="{EXCLUSIVE_C14N}"></Transform></Transforms>'
        f'<DigestMethod Algorithm="{SHA256}"></DigestMethod>'
        f"<DigestValue>{_base64(digest)}</DigestValue></Reference>"
    )
    canonical = f'<SignedInfo xmlns="{DSIG}">{inner}</SignedInfo>'
    value = _base64(signer.sign(canonical.encode()))
    return (
        f'<Signature xmlns="{DSIG}"><SignedInfo>{inner}</SignedInfo>'
        f"<SignatureValue>{value}</SignatureValue><KeyInfo><X509Data><X509Certificate>"
        f"{_base64(signer.der)}</X509Certificate></X509Data></KeyInfo></Signature>"
    )


def service_info(guardian: Guardian) -> bytes:
    """ServiceInfoReply: which way of attestation this service asks for."""
    reply = {
        "__type": "ServiceInfoReply:#Microsoft.Windows.RemoteAttestation.Core",
        "FunctionalLevel": "2.0",
        "OperationMode": MODES[guardian.mode],
        "SupportedFunctionalLevels": ["1.0", "2.0"],
    }
    return json.dumps(reply).encode()


class _Handler(web.Handler):
    server_version = "Microsoft-HTTPAPI/2.0"
    sys_version = ""
    server: GuardianServer

    def do_GET(self) -> None:
        status, kind, content = self.server.answer(urlsplit(self.path).path.casefold())
        trouble = self.server.trouble()
        if trouble is None:
            self.reply(status, kind, content)
        else:
            self._spoil(trouble, kind, content)

    def _spoil(self, trouble: WireFault, kind: str, content: bytes) -> None:
        """What is left of an answer, as `wire_faults` of the control address want it."""
        if trouble.kind == "status":
            self.reply(trouble.status, "text/html", b"<h2>It did not work out</h2>")
        elif trouble.kind == "content-type":
            self.reply(200, "text/html", b"<h2>Sign in to the network first</h2>")
        elif trouble.kind == "truncated":
            self.reply(200, kind, content[: trouble.kept(len(content))])
        elif trouble.kind == "delay":
            time.sleep(trouble.seconds)
            self.reply(200, kind, content)
        else:
            self._break_off(trouble, kind, content)

    def _break_off(self, trouble: WireFault, kind: str, content: bytes) -> None:
        self.close_connection = True
        if trouble.kind == "garbage":
            self.wfile.write(b"\x00\xff no HTTP at all\r\n\r\n")
            return
        if trouble.kind in ("cut", "stall") and (kept := trouble.kept(len(content))):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:kept])
        if trouble.kind == "stall":
            self.rfile.read(1)  # until the client has had enough


class GuardianServer(web.Server):
    """One guardian service on one loopback address."""

    def __init__(self, guardian: Guardian, keys: GuardianKeys, address: str, port: int) -> None:
        self.guardian, self.keys = guardian, keys
        self.trouble: Callable[[], WireFault | None] = lambda: None
        super().__init__(address, port, _Handler, "lab-hgs")

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type, content."""
        if path == "/attestation/getinfo":
            return 200, "application/json; charset=utf-8", service_info(self.guardian)
        if path == "/attestation/v2.0/signingcertificates":
            signers = [self.keys.attestation.certificate]
            content = pkcs7.serialize_certificates(signers, serialization.Encoding.DER)
            return 200, "application/x-pkcs7-certificates", content
        if path == METADATA:
            return 200, "application/xml; charset=utf-8", metadata(self.keys)
        return 404, "text/html", b"<h2>Not Found</h2>"

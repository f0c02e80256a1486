"""What a way to a cluster may look like. Each rule names the field that it refuses."""

import contextlib
import datetime
import ipaddress
import re
import unicodedata

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from apps.common.errors import Invalid
from apps.remoting import kerberos

LONGEST_NAME = 64
LONGEST_ADDRESS = 253
_LABEL = re.compile(r"^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$")
_FINGERPRINT = re.compile(r"^[0-9a-f]{64}$")
#: Control characters, format characters (they turn text round), surrogates, private use.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def name(value: str) -> str:
    """What people call a cluster: short, on one line, nothing invisible."""
    value = value.strip()
    if not value or len(value) > LONGEST_NAME:
        raise Invalid.field("name", f"It has to have 1 to {LONGEST_NAME} characters.")
    if any(unicodedata.category(letter) in _UNSEEN for letter in value):
        raise Invalid.field("name", "It holds a character that can’t be seen.")
    return value


def address(value: str) -> str:
    """A host name or an IP address, nothing else: no scheme, port, path or credential."""
    value = value.strip()
    if not _is_address(value):
        raise Invalid.field(
            "address",
            "It has to be a host name or an IP address, without scheme, port, user or path.",
            hint="For example hci01.contoso.local",
        )
    return value


def _is_address(value: str) -> bool:
    if not value or len(value) > LONGEST_ADDRESS:
        return False
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return all(_LABEL.match(label) for label in value.removesuffix(".").split("."))
    return True


def username(value: str) -> str:
    value = value.strip()
    if not value or len(value) > 256:
        raise Invalid.field("username", "It has to have 1 to 256 characters.")
    if any(unicodedata.category(letter) in _UNSEEN for letter in value):
        raise Invalid.field("username", "It holds a character that can’t be seen.")
    return value


def sign_in(*, use_tls: bool, transport: str) -> None:
    if transport == "basic" and not use_tls:
        raise Invalid.field(
            "transport",
            "Basic shows the password on the wire: it needs TLS.",
            hint="Use NTLM, or set use_tls and WinRM’s HTTPS port (5986).",
        )
    if transport == "certificate" and not use_tls:
        raise Invalid.field(
            "transport",
            "A certificate signs in during TLS’s handshake: it needs TLS.",
            hint="Set use_tls and WinRM’s HTTPS port (5986).",
        )
    if transport == "kerberos" and not kerberos.is_available():
        raise Invalid.field(
            "transport",
            "This portal has no Kerberos libraries installed.",
            hint=kerberos.INSTALL_HINT,
        )


def account(value: str, *, transport: str) -> str:
    """A user name as the transport takes it."""
    value = username(value)
    if transport == "kerberos" and not re.fullmatch(r"[^@\\]+@[^@\\]+", value):
        raise Invalid.field(
            "username", "Kerberos knows accounts as user@domain.", hint="ops@contoso.local"
        )
    return value


def needed(field: str, value: str) -> str:
    """What the chosen transport can't do without."""
    if not value:
        raise Invalid.field(field, "This transport needs it.")
    return value


def client_certificate(value: str) -> str:
    """A certificate in PEM by which the portal signs in; its chain may follow.

    Gives back certificates only: a key that was pasted with them is not for this field.
    """
    if not value.strip():
        return ""
    try:
        chain = x509.load_pem_x509_certificates(value.encode())
    except ValueError as error:
        raise Invalid.field("client_certificate", "It isn’t a certificate in PEM.") from error
    first = chain[0]
    if first.not_valid_after_utc < datetime.datetime.now(datetime.UTC):
        raise Invalid.field("client_certificate", "It has run out.")
    with contextlib.suppress(x509.ExtensionNotFound):
        purposes = first.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
            raise Invalid.field("client_certificate", "It isn’t made for client authentication.")
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in chain)


def client_key(value: str, certificate: str) -> str:
    """The certificate’s private key in PEM, without a passphrase: the portal seals it itself."""
    needed("client_certificate", certificate)
    try:
        key = serialization.load_pem_private_key(needed("client_key", value).encode(), None)
    except TypeError as error:
        raise Invalid.field(
            "client_key",
            "It is locked by a passphrase.",
            hint="Give it without one (openssl pkey -in locked.key): the portal seals it itself.",
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Invalid.field("client_key", "It isn’t a private key in PEM.") from error
    own = x509.load_pem_x509_certificates(certificate.encode())[0].public_key()
    if _der(key.public_key()) != _der(own):
        raise Invalid.field("client_key", "It belongs to another certificate.")
    return value


def _der(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def subject_of(certificate: str) -> str:
    """Whom a certificate names: what the portal calls its account where nobody says otherwise."""
    subject = x509.load_pem_x509_certificates(certificate.encode())[0].subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else subject.rfc4514_string()[:256]


def ca_certificate(value: str) -> str:
    """One or more certificates in PEM."""
    value = value.strip()
    if value:
        try:
            x509.load_pem_x509_certificates(value.encode())
        except ValueError as error:
            raise Invalid.field("ca_certificate", "It isn’t a certificate in PEM.") from error
    return value


def fingerprint(value: str) -> str:
    """SHA-256 in hex; colons and spaces are allowed in between."""
    plain = re.sub(r"[:\s]", "", value).lower()
    if plain and not _FINGERPRINT.match(plain):
        raise Invalid.field("fingerprint", "It has to be the 64 hex digits of a SHA-256.")
    return plain

"""The ways in to a host, safest first, and what a host's listeners offer of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.fabric.choices import Transport
from apps.remoting.survey import Listener


@dataclass(frozen=True)
class Kind:
    """A transport with or without TLS: `label` in the form, `why` is what makes it safe or not."""

    id: str
    transport: Transport
    use_tls: bool
    label: str
    why: str
    #: Names in WWW-Authenticate that offer it; none where only a try can tell.
    schemes: frozenset[str] = frozenset()


_NEGOTIATE = frozenset({"negotiate", "ntlm"})
_KERBEROS = frozenset({"kerberos"})
_CREDSSP = frozenset({"credssp"})
#: In the order of their safety. Basic without TLS isn't among them: it shows the password.
KINDS = (
    Kind(
        "https-kerberos", Transport.KERBEROS, True, "HTTPS with Kerberos",
        "The domain vouches for both ends, and no password travels.", _KERBEROS,
    ),
    Kind(
        "https-certificate", Transport.CERTIFICATE, True, "HTTPS with a client certificate",
        "There is no password that could be stolen or guessed.",
    ),
    Kind(
        "http-kerberos", Transport.KERBEROS, False, "HTTP with Kerberos, encrypted messages",
        "The domain vouches for both ends, and no password travels.", _KERBEROS,
    ),
    Kind(
        "https-ntlm", Transport.NTLM, True, "HTTPS with NTLM",
        "The password stays here, and the sign-in is bound to this TLS channel.", _NEGOTIATE,
    ),
    Kind(
        "http-ntlm", Transport.NTLM, False, "HTTP with NTLM, encrypted messages",
        "The password stays here, but nothing proves that the host is the host.", _NEGOTIATE,
    ),
    Kind(
        "https-credssp", Transport.CREDSSP, True, "HTTPS with CredSSP",
        "The host gets the password itself and can use it elsewhere.", _CREDSSP,
    ),
    Kind(
        "https-basic", Transport.BASIC, True, "HTTPS with Basic",
        "The host gets the password itself, protected by TLS alone.", frozenset({"basic"}),
    ),
    Kind(
        "http-credssp", Transport.CREDSSP, False, "HTTP with CredSSP, encrypted messages",
        "The host gets the password itself, and no certificate proves who it is.", _CREDSSP,
    ),
)  # fmt: skip
BY_ID = {kind.id: kind for kind in KINDS}


@dataclass(frozen=True)
class Way:
    """A kind at a port: `offered` is None where a host can't be asked without trying."""

    id: str
    name: str
    port: int
    offered: bool | None
    trusted: bool | None
    chosen: bool
    safest: bool
    message: str


def judged(listeners: Iterable[Listener], chosen: tuple[int, str], *, works: bool) -> list[Way]:
    """The ways of a host's listeners, safest first. `chosen`: port and id of the one that was
    tried, `works` whether it let in.
    """
    found = [
        (
            kind,
            listener,
            _offered(kind, listener, works=works and chosen == (listener.port, kind.id)),
        )
        for kind in KINDS
        for listener in listeners
        if listener.use_tls == kind.use_tls and (listener.schemes or listener.port == chosen[0])
    ]
    safest = next((pair for *pair, offered in found if offered), None)
    return [
        Way(
            kind.id, kind.label, listener.port, offered,
            not listener.distrust if kind.use_tls and listener.fingerprint else None,
            chosen == (listener.port, kind.id), [kind, listener] == safest,
            _message(kind, listener, offered),
        )
        for kind, listener, offered in found
    ]  # fmt: skip


def _offered(kind: Kind, listener: Listener, works: bool) -> bool | None:
    if works:
        return True
    if not listener.schemes:
        return False
    return bool(kind.schemes & listener.schemes) if kind.schemes else None


def _message(kind: Kind, listener: Listener, offered: bool | None) -> str:
    if offered is False:
        return "Not offered." if listener.schemes else "No WinRM service answers there."
    if offered is None:
        return f"A host doesn’t say whether it takes one. {kind.why}"
    if listener.distrust:
        return f"Offered, but its certificate isn’t trusted yet. {kind.why}"
    return f"Offered. {kind.why}"

"""What went wrong underneath, said as one of the portal's errors."""

from __future__ import annotations

import logging
import re
import struct
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import requests
import requests_credssp.exceptions as credssp
import spnego.exceptions
import urllib3.exceptions
import winrm.exceptions

from apps.remoting import kerberos
from apps.remoting.endpoint import Endpoint
from apps.remoting.errors import (
    BadReply,
    Busy,
    RemotingError,
    SignInRefused,
    TimedOut,
    Unreachable,
)

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
_UNREADABLE = (
    AssertionError, StopIteration, SyntaxError, ValueError, LookupError, AttributeError,
    struct.error,
)  # fmt: skip
"""How pywinrm meets an answer that is no envelope: it looks into it and stumbles."""
_NO_ENTRY = re.compile(r"ALERT_(UNKNOWN_CA|ACCESS_DENIED|\w*CERTIFICATE)")
"""OpenSSL's words for the alerts by which a server turns a client's certificate down."""

_QUOTAS = frozenset((2150859173, 2150859174))
"""Too many shells of a user, too many operations of one: its share of the host is used up."""
_ACCESS_DENIED = 5

NETWORK_HINT = (
    "Check that the host is on, that WinRM runs on it (winrm quickconfig), and that a firewall"
    " lets this port through."
)
SIGN_IN_HINT = (
    "Check the user name and password, that the account isn't locked, and that it is an"
    " administrator of the host or a member of Remote Management Users."
)
CERTIFICATE_HINT = (
    "Check on the host that the certificate is mapped to an account (winrm enumerate"
    " winrm/config/service/certmapping), that its authority is in the computer's store Trusted"
    " Root Certification Authorities, and that Certificate is on (winrm get"
    " winrm/config/service/auth)."
)
TRUST_HINT = (
    "Give the certificate authority that issued the host's certificate, or confirm the"
    " certificate's fingerprint, in the cluster's connection settings."
)


def guarded(endpoint: Endpoint, operation: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Runs one exchange with a host; raises only RemotingError or the quiet-Receive signal."""
    try:
        return operation(*args, **kwargs)
    except winrm.exceptions.WinRMOperationTimeoutError:
        raise  # not a failure: nothing was written for a while
    except Exception as error:
        raise translated(endpoint, error) from None


def translated(endpoint: Endpoint, error: Exception) -> RemotingError:
    """The portal's error for one of the libraries'. An exception of nobody's is not swallowed.

    The cause is dropped on purpose: its text may hold a header, and a header the password.
    """
    if isinstance(error, winrm.exceptions.InvalidCredentialsError):
        return refused(endpoint)
    if isinstance(error, (kerberos.KerberosMissing, kerberos.TicketRefused)):
        return _no_ticket(endpoint, error)
    if isinstance(error, credssp.NTStatusException):
        return refused(endpoint)
    if isinstance(error, credssp.AuthenticationException):
        return _credssp(endpoint, str(error))
    if isinstance(error, winrm.exceptions.WSManFaultError):
        return _fault(endpoint, error)
    if isinstance(error, winrm.exceptions.WinRMTransportError):
        return _status(endpoint, error.code)
    if isinstance(error, requests.RequestException):
        return _network(endpoint, error)
    if isinstance(error, (spnego.exceptions.SpnegoError, PermissionError)):
        return _negotiation(endpoint)
    if isinstance(error, (winrm.exceptions.WinRMError, *_UNREADABLE)):
        # Where it stumbled tells a host's nonsense from a mistake of ours.
        log.warning("unreadable answer from %s", endpoint.label, exc_info=error)
        return _unreadable(endpoint)
    raise error


def refused(endpoint: Endpoint) -> SignInRefused:
    hint = CERTIFICATE_HINT if endpoint.transport == "certificate" else SIGN_IN_HINT
    return SignInRefused(f"{endpoint.label} refused the sign-in of {endpoint.username}.", hint=hint)


def _fault(endpoint: Endpoint, fault: winrm.exceptions.WSManFaultError) -> RemotingError:
    code = _number(fault.wsman_fault_code)
    if code in _QUOTAS:
        return Busy(
            f"{endpoint.label} lets {endpoint.username} open no more shells (fault {code}).",
            hint="Close sessions that nobody needs (winrm enumerate shell shows them), or raise"
            " MaxShellsPerUser in winrm/config/winrs on the host.",
            host_message=(fault.reason or "").strip(),
        )
    if code == _ACCESS_DENIED:
        return SignInRefused(
            f"{endpoint.label} knows {endpoint.username} but lets it open no shell.",
            hint=SIGN_IN_HINT,
            host_message=(fault.reason or "").strip(),
        )
    number = f" (fault {fault.wsman_fault_code})" if fault.wsman_fault_code else ""
    return Unreachable(
        f"The WinRM service of {endpoint.label} turned the request down{number}.",
        step="http",
        host_message=(fault.reason or "").strip(),
        hint="Look in the host's event log under Microsoft-Windows-WinRM/Operational.",
        fault=code,
    )


def _number(code: int | str | None) -> int:
    return int(code) if code is not None and str(code).isdigit() else 0


def _status(endpoint: Endpoint, status: int | None) -> RemotingError:
    if status == 404:
        hint = "Something else than WinRM answers there: check the port."
    elif status == 403:
        hint = "A rule of the host or a proxy in between forbids the connection."
    else:
        hint = "Check that the service behind this port is WinRM and that it takes this transport."
    return Unreachable(
        f"{endpoint.label} answered port {endpoint.port} with HTTP status {status}.",
        step="http",
        hint=hint,
    )


def _network(endpoint: Endpoint, error: requests.RequestException) -> RemotingError:
    reason = _reason(error)
    if endpoint.client_certificate and _NO_ENTRY.search(str(reason)):
        return refused(endpoint)  # the host ended the handshake once it had seen who we are
    if isinstance(error, requests.exceptions.SSLError):
        return untrusted(endpoint, str(reason))
    if isinstance(error, requests.exceptions.ReadTimeout) or isinstance(
        reason,
        urllib3.exceptions.ReadTimeoutError,  # it stopped in the middle of its answer
    ):
        return TimedOut(
            f"{endpoint.label} took the request and then said nothing.",
            hint="The host may be overloaded. Try again; if it stays silent, restart WinRM on it.",
        )
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return Unreachable(
            f"The name {endpoint.address} isn't known here.",
            step="name",
            hint="Check the name for a typing error, and this machine's DNS settings.",
        )
    if isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(
        reason, urllib3.exceptions.NewConnectionError
    ):
        return Unreachable(
            f"Nothing answers on port {endpoint.port} of {endpoint.label} ({endpoint.address}).",
            step="tcp",
            hint=NETWORK_HINT,
        )
    return broken(endpoint)


def broken(endpoint: Endpoint) -> Unreachable:
    hint = (
        "The host may be restarting, or its network may be down. See whether it is on, then try"
        " again."
    )
    if endpoint.client_certificate:
        hint += f" Or it does not know who issued the client certificate. {CERTIFICATE_HINT}"
    return Unreachable(f"The connection to {endpoint.label} broke off.", step="http", hint=hint)


def untrusted(endpoint: Endpoint, reason: str) -> Unreachable:
    """The certificate did not pass; which of the usual reasons it was decides the words."""
    if "Fingerprints did not match" in reason:
        problem = "shows another certificate than the one that was confirmed"
        hint = (
            "If the host's certificate was renewed, look at the new one on the host and confirm"
            " its fingerprint. If not, somebody may be in between: don't go on."
        )
    elif "Hostname mismatch" in reason or "IP address mismatch" in reason:
        problem = f"shows a certificate that isn't made out to {endpoint.address}"
        hint = "Use the name that the certificate is made out to, or confirm its fingerprint."
    elif "expired" in reason or "not yet valid" in reason:
        problem = "shows a certificate that isn't valid today"
        hint = "Renew the certificate of the host's WinRM listener; check both clocks."
    elif "CERTIFICATE_VERIFY_FAILED" in reason or "certificate verify failed" in reason:
        problem = "shows a certificate that no trusted authority has issued"
        hint = TRUST_HINT
    else:
        problem = "doesn't speak TLS on this port as it should"
        hint = "Check that the port is the HTTPS listener's (5986 as a rule)."
        if endpoint.client_certificate:
            hint += f" Or the host turned the client certificate down. {CERTIFICATE_HINT}"
    return Unreachable(f"{endpoint.label} {problem}.", step="tls", hint=hint)


def _no_ticket(endpoint: Endpoint, error: Exception) -> RemotingError:
    if isinstance(error, kerberos.KerberosMissing):
        return SignInRefused(
            "This portal has no Kerberos libraries installed.", hint=kerberos.INSTALL_HINT
        )
    return SignInRefused(
        f"The domain gave {endpoint.username} no Kerberos ticket.",
        host_message=str(error),
        hint="Check the user name (user@domain) and password, that the account isn't locked, that"
        " this machine finds the domain's controllers (krb5.conf or DNS), and that the clocks"
        " agree.",
    )


def _negotiation(endpoint: Endpoint) -> RemotingError:
    if endpoint.transport == "kerberos":
        name = endpoint.service_name or endpoint.address
        return SignInRefused(
            f"The Kerberos sign-in to {endpoint.label} failed.",
            hint=f"Check that the domain knows the service HTTP/{name} (setspn -Q HTTP/{name} or"
            f" HOST/{name}): Kerberos wants a host's full name, not its IP address.",
        )
    return SignInRefused(
        f"The sign-in to {endpoint.label} could not be agreed on.",
        hint="Check that the host's WinRM service allows Negotiate"
        " (winrm get winrm/config/service/auth).",
    )


def _credssp(endpoint: Endpoint, text: str) -> RemotingError:
    """Its library tells by the text alone how far a sign-in came."""
    if "being an available authentication method" not in text:
        # An end without any offer is no refusal: the connection that had the keys is gone.
        return broken(endpoint) if text.endswith("actual ''") else refused(endpoint)
    return SignInRefused(
        f"The sign-in to {endpoint.label} by CredSSP could not be agreed on.",
        hint="CredSSP is off on a host until somebody switches it on: there, run"
        " Enable-WSManCredSSP -Role Server. It hands the password to the host; Kerberos does not.",
    )


def _unreadable(endpoint: Endpoint) -> RemotingError:
    return BadReply(
        f"{endpoint.label} sent an answer that isn't WS-Management.",
        hint="Check that the service behind this port is WinRM and that nothing in between"
        " changes its answers.",
    )


def _reason(error: BaseException) -> BaseException:
    """The innermost cause that urllib3 wrapped."""
    seen = error
    while True:
        inner = getattr(seen, "reason", None) or next(
            (arg for arg in seen.args if isinstance(arg, BaseException)), None
        )
        if not isinstance(inner, BaseException) or inner is seen:
            return seen
        seen = inner
        if isinstance(seen, urllib3.exceptions.NewConnectionError):
            return seen

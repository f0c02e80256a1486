"""What a simulated host's WinRM service lets in: `winrm get winrm/config/service/auth`."""

from __future__ import annotations

from dataclasses import dataclass, field

CHANNEL_BINDINGS = ("none", "relaxed", "strict")


@dataclass(frozen=True)
class CertificateMapping:
    """A client certificate that stands for an account (winrm/config/service/certmapping).

    `subject`: the user principal name among the certificate's alternative names, or its common
    name. `username`: "" is the host's first account. `authority`: PEM of who must have issued the
    certificate; "" is the lab's own authority.
    """

    subject: str
    username: str = ""
    authority: str = ""


@dataclass(frozen=True)
class Doors:
    """Negotiate is always open. The defaults are Windows', with Basic open over TLS.

    `channel_binding` is CbtHardeningLevel: relaxed refuses a sign-in that is bound to another TLS
    channel, strict also one that is bound to none. `max_envelope_kib` is MaxEnvelopeSizekb: a
    larger request is turned away, no answer is larger. The others of numbers are
    winrm/config/winrs'. `keytab`: file of the host's keys in a Kerberos realm; "" is a host of no
    domain that anybody runs here.
    """

    basic: bool = True
    credssp: bool = False
    certificates: list[CertificateMapping] = field(default_factory=list)
    channel_binding: str = "relaxed"
    max_envelope_kib: int = 500
    keytab: str = ""
    max_shells_per_user: int = 30
    max_processes_per_shell: int = 25
    max_memory_per_shell_mb: int = 2048
    idle_timeout_ms: int = 7_200_000


#: Fields of Doors by their names in winrm/config and winrm/config/winrs.
SETTINGS = {
    "MaxEnvelopeSizekb": "max_envelope_kib",
    "MaxShellsPerUser": "max_shells_per_user",
    "MaxProcessesPerShell": "max_processes_per_shell",
    "MaxMemoryPerShellMB": "max_memory_per_shell_mb",
    "IdleTimeout": "idle_timeout_ms",
}

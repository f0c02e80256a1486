"""The host's WinRM configuration, as `winrm get winrm/config` shows it ([MS-WSMV] 2.2.4.10)."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from apps.lab.wsman import soap
from apps.lab.wsman.doors import Doors

_SDDL = "O:NSG:BAD:P(A;;GA;;;BA)(A;;GR;;;IU)S:P(AU;FA;GA;;;WD)(AU;SA;GXGW;;;WD)"
_UNLIMITED = 4_294_967_295
_PORTS = {"HTTP": 5985, "HTTPS": 5986}
Tree = Mapping[str, object]


def config(doors: Doors) -> str:
    """The body of the answer to Get of winrm/config; only administrators may read it."""
    tree = _tree({"Config": settings(doors)})
    return tree.replace("<cfg:Config", f'<cfg:Config xmlns:cfg="{soap.CONFIG}"', 1)


def settings(doors: Doors) -> Tree:
    """All of it by Windows' names; what is a tree there is a mapping here."""
    return {
        "MaxEnvelopeSizekb": doors.max_envelope_kib,
        "MaxTimeoutms": int(soap.LONGEST_OPERATION * 1000),
        "MaxBatchItems": 32_000,
        "MaxProviderRequests": _UNLIMITED,
        "Client": {
            "NetworkDelayms": 5000,
            "URLPrefix": "wsman",
            "AllowUnencrypted": False,
            "Auth": {
                "Basic": True,
                "Digest": True,
                "Kerberos": True,
                "Negotiate": True,
                "Certificate": True,
                "CredSSP": False,
            },
            "DefaultPorts": _PORTS,
            "TrustedHosts": "",
        },
        "Service": {
            "RootSDDL": _SDDL,
            "MaxConcurrentOperations": _UNLIMITED,
            "MaxConcurrentOperationsPerUser": 1500,
            "EnumerationTimeoutms": 240_000,
            "MaxConnections": 300,
            "MaxPacketRetrievalTimeSeconds": 120,
            "AllowUnencrypted": False,
            "Auth": {
                "Basic": doors.basic,
                "Kerberos": True,
                "Negotiate": True,
                "Certificate": bool(doors.certificates),
                "CredSSP": doors.credssp,
                "CbtHardeningLevel": doors.channel_binding.capitalize(),
            },
            "DefaultPorts": _PORTS,
            "IPv4Filter": "*",
            "IPv6Filter": "*",
            "EnableCompatibilityHttpListener": False,
            "EnableCompatibilityHttpsListener": False,
            "CertificateThumbprint": "",
            "AllowRemoteAccess": True,
        },
        "Winrs": {
            "AllowRemoteShellAccess": True,
            "IdleTimeout": doors.idle_timeout_ms,
            "MaxConcurrentUsers": 2_147_483_647,
            "MaxShellRunTime": 2_147_483_647,
            "MaxProcessesPerShell": doors.max_processes_per_shell,
            "MaxMemoryPerShellMB": doors.max_memory_per_shell_mb,
            "MaxShellsPerUser": doors.max_shells_per_user,
        },
    }


def _tree(values: Tree) -> str:
    return "".join(f"<cfg:{name}>{_value(value)}</cfg:{name}>" for name, value in values.items())


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return _tree(value)
    return str(value).lower() if isinstance(value, bool) else escape(str(value))

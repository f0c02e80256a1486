"""What several handlers share: the forms in which scripts write values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apps.lab.cmdlets.errors import CmdletError

POLL_SECONDS = 0.5  # the pause between two looks of a script that follows something


def iso(moment: datetime) -> str:
    """`.ToUniversalTime().ToString('s') + 'Z'`"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def text(value: Any) -> str:
    """`[string]$value`: nothing becomes the empty string."""
    return "" if value is None else str(value)


def thrown(message: str) -> CmdletError:
    """`throw "…"` of a script."""
    return CmdletError(message, "OperationStopped", message)


def unique(values: list[str]) -> list[str]:
    """`Select-Object -Unique`"""
    return list(dict.fromkeys(values))


def attestation_of(configuration: dict[str, Any]) -> dict[str, Any]:
    """The attestation object that several scripts make of Get-HgsClientConfiguration."""
    names = text(configuration["AttestationSubstatus"]).split(",")
    return {
        "mode": text(configuration["Mode"]),
        "is_host_guarded": bool(configuration["IsHostGuarded"]),
        "operation_mode": text(configuration["AttestationOperationMode"]),
        "status": text(configuration["AttestationStatus"]),
        "sub_status": [n.strip() for n in names if n.strip() not in ("", "NoInformation")],
        "attestation_url": text(configuration["AttestationServerUrl"]),
        "key_protection_url": text(configuration["KeyProtectionServerUrl"]),
    }


def protection_of(settings: dict[str, Any] | None, generation: int) -> dict[str, Any]:
    """Protection by Msvm_SecuritySettingData; without settings only generation 1 is known."""
    tpm = bool(settings and settings["TpmEnabled"])
    shielded = bool(settings and settings["ShieldingRequested"])
    protected = bool(settings and settings["DataProtectionRequested"])
    if shielded:
        word = "Shielded"
    elif tpm:
        word = "EncryptionSupported" if protected else "VTpm"
    else:
        word = "None" if settings or generation == 1 else "Unknown"
    return {
        "tpm_enabled": tpm,
        "shielded": shielded,
        "data_protection_requested": protected,
        "protection": word,
    }


def security_by_vm(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Security settings by the VM's id in lower case, out of `Microsoft:<GUID>\\…`."""
    return {row["InstanceID"][10:46].lower(): row for row in rows}

"""What a virtual machine's protection lets the people who run its host do.

One pure table, asked by the page, the API, the console and every runner. What isn't known is
refused. Facts: "Guarded fabric and shielded VMs overview" (what shielding changes, by Hyper-V
version) and the cmdlet reference of Set-VMSecurityPolicy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from apps.vms.choices import Protection

#: Build of Windows Server 1803, from which hosts let guests of shielded VMs be reached by
#: PowerShell Direct and enhanced session with credentials of the guest.
BUILD_1803 = 17134


class Capability(StrEnum):
    CONSOLE = "console"
    ENHANCED_SESSION = "enhanced-session"
    DEVICES = "devices"
    POWERSHELL_DIRECT = "powershell-direct"
    INTEGRATION_SERVICES = "integration-services"
    COPY_FILE = "copy-file"
    COM_PORTS = "com-ports"
    DEBUGGER = "debugger"
    CHANGE_SECURITY_LEVEL = "change-security-level"
    DISABLE_SECURE_BOOT = "disable-secure-boot"
    EDIT_HARDWARE = "edit-hardware"
    ADD_DATA_DISK = "add-data-disk"
    CHECKPOINTS = "checkpoints"
    EXPORT = "export"
    LIVE_MIGRATION = "live-migration"
    START_UNGUARDED = "start-unguarded"
    REPLICA = "replica"
    AZURE_SITE_RECOVERY = "azure-site-recovery"


#: What people call each of them, as a noun that fits after "Allowed:" and "Refused:".
LABELS: Mapping[Capability, str] = {
    Capability.CONSOLE: "Console",
    Capability.ENHANCED_SESSION: "Enhanced session",
    Capability.DEVICES: "Screen, keyboard and mouse devices",
    Capability.POWERSHELL_DIRECT: "PowerShell Direct",
    Capability.INTEGRATION_SERVICES: "All integration services",
    Capability.COPY_FILE: "Copying files in from the host",
    Capability.COM_PORTS: "COM ports",
    Capability.DEBUGGER: "Debugger on its process",
    Capability.CHANGE_SECURITY_LEVEL: "Changing its protection",
    Capability.DISABLE_SECURE_BOOT: "Switching Secure Boot off",
    Capability.EDIT_HARDWARE: "Processors, memory and networks",
    Capability.ADD_DATA_DISK: "Adding data disks",
    Capability.CHECKPOINTS: "Checkpoints",
    Capability.EXPORT: "Export and import",
    Capability.LIVE_MIGRATION: "Live migration",
    Capability.START_UNGUARDED: "Starting on a host that isn’t guarded",
    Capability.REPLICA: "Hyper-V Replica",
    Capability.AZURE_SITE_RECOVERY: "Azure Site Recovery",
}


@dataclass(frozen=True)
class Decision:
    """One answer. `reason` says why (of an allowed one: under which condition, or nothing);
    `instead` says what to do instead of a refused one."""

    capability: Capability
    allowed: bool
    reason: str = ""
    instead: str = ""


@dataclass(frozen=True)
class Rule:
    allowed: bool
    reason: str = ""
    instead: str = ""
    #: Allowed all the same from this host build on; an unknown build counts as older.
    from_build: int | None = None
    reason_from_build: str = ""


ALLOWED = Rule(True)
NEEDS_GUARDED_TARGET = Rule(
    True, "The other host must be guarded and authorised in the VM’s key protector."
)
NEEDS_CERTIFICATES = Rule(
    True, "The other host needs the certificates of the guardian that holds the vTPM’s key."
)
INSIDE_GUEST = "Use Remote Desktop, SSH or another way in that the guest itself offers."
OWNER_KEYS = "Ask its owner: it takes the owner’s keys, in the owner’s own fabric."
GUEST_CREDENTIALS = "Hosts from Windows Server 1803 on allow it with credentials of the guest."

_SHIELDED: Mapping[Capability, Rule] = {
    Capability.CONSOLE: Rule(
        False,
        "The VM is shielded: its owner’s policy closes the console to everybody on the host’s "
        "side, administrators included.",
        INSIDE_GUEST,
    ),
    Capability.ENHANCED_SESSION: Rule(
        False,
        "The VM is shielded, and its host is older than Windows Server 1803 or of unknown version.",
        INSIDE_GUEST,
        BUILD_1803,
        GUEST_CREDENTIALS + " Fabric Portal never opens one.",
    ),
    Capability.DEVICES: Rule(
        False,
        "The VM is shielded, and its host is older than Windows Server 1803 or of unknown version.",
        INSIDE_GUEST,
        BUILD_1803,
        "Present from Windows Server 1803 on; the console stays closed.",
    ),
    Capability.POWERSHELL_DIRECT: Rule(
        False,
        "The VM is shielded, and its host is older than Windows Server 1803 or of unknown version.",
        "Use PowerShell remoting over the guest’s own network.",
        BUILD_1803,
        GUEST_CREDENTIALS,
    ),
    Capability.INTEGRATION_SERVICES: Rule(
        False,
        "The VM is shielded: data exchange with the host is blocked; heartbeat, time and "
        "shutdown work.",
        "Pass values by the shielding data’s answer file, or over the guest’s network.",
    ),
    Capability.COPY_FILE: Rule(
        False,
        "The VM is shielded: its host may not write into it.",
        "Copy over the guest’s network.",
    ),
    Capability.COM_PORTS: Rule(
        False, "The VM is shielded: its COM ports are disconnected.", INSIDE_GUEST
    ),
    Capability.DEBUGGER: Rule(
        False,
        "The VM is shielded: its worker process is protected from debuggers.",
        "Debug inside the guest.",
    ),
    Capability.CHANGE_SECURITY_LEVEL: Rule(
        False, "Only its owner can change the protection of a shielded VM.", OWNER_KEYS
    ),
    Capability.DISABLE_SECURE_BOOT: Rule(
        False, "A shielded VM doesn’t boot without Secure Boot.", OWNER_KEYS
    ),
    Capability.EXPORT: Rule(True, "It starts only on hosts that its key protector authorises."),
    Capability.LIVE_MIGRATION: NEEDS_GUARDED_TARGET,
    Capability.START_UNGUARDED: Rule(
        False,
        "Its key is released only to a host that a Host Guardian Service has attested.",
        "Move it to a host whose attestation passed, or mend the host’s attestation.",
    ),
    Capability.REPLICA: NEEDS_GUARDED_TARGET,
    Capability.AZURE_SITE_RECOVERY: Rule(
        False,
        "Azure Site Recovery doesn’t take shielded VMs.",
        "Use Hyper-V Replica to a guarded host.",
    ),
}

_ENCRYPTION_SUPPORTED: Mapping[Capability, Rule] = {
    Capability.CHANGE_SECURITY_LEVEL: Rule(
        False, "Only its owner can change the protection of this VM.", OWNER_KEYS
    ),
    Capability.EXPORT: _SHIELDED[Capability.EXPORT],
    Capability.LIVE_MIGRATION: NEEDS_GUARDED_TARGET,
    Capability.START_UNGUARDED: _SHIELDED[Capability.START_UNGUARDED],
    Capability.REPLICA: NEEDS_GUARDED_TARGET,
    Capability.AZURE_SITE_RECOVERY: Rule(
        False,
        "Azure Site Recovery doesn’t take VMs whose keys a Host Guardian Service holds.",
        "Use Hyper-V Replica to a guarded host.",
    ),
}

_VTPM: Mapping[Capability, Rule] = {
    Capability.EXPORT: NEEDS_CERTIFICATES,
    Capability.LIVE_MIGRATION: NEEDS_CERTIFICATES,
    Capability.START_UNGUARDED: NEEDS_CERTIFICATES,
    Capability.REPLICA: NEEDS_CERTIFICATES,
    Capability.AZURE_SITE_RECOVERY: Rule(True, "Not while BitLocker is on inside it."),
}

#: Of each level only what isn't simply allowed.
_TABLE: Mapping[Protection, Mapping[Capability, Rule]] = {
    Protection.NONE: {},
    Protection.VTPM: _VTPM,
    Protection.ENCRYPTION_SUPPORTED: _ENCRYPTION_SUPPORTED,
    Protection.SHIELDED: _SHIELDED,
}

_UNKNOWN = Rule(
    False,
    "The VM’s protection isn’t known, and what isn’t known is refused.",
    "Refresh its cluster; if it stays unknown, see why its host can’t tell.",
)


def decide(capability: Capability, protection: str, host_build: int | None = None) -> Decision:
    """Whether `capability` is allowed on a VM of this protection, on a host of this OS build."""
    rule = _rule(capability, protection)
    if not rule.allowed and rule.from_build is not None and (host_build or 0) >= rule.from_build:
        return Decision(capability, True, rule.reason_from_build)
    return Decision(capability, rule.allowed, rule.reason, rule.instead)


def _rule(capability: Capability, protection: str) -> Rule:
    if protection not in Protection.values:
        return _UNKNOWN
    level = _TABLE.get(Protection(protection))
    return _UNKNOWN if level is None else level.get(capability, ALLOWED)


def decide_all(protection: str, host_build: int | None = None) -> list[Decision]:
    """Every capability's answer, in the order of `Capability`."""
    return [decide(capability, protection, host_build) for capability in Capability]

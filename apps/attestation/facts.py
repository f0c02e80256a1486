"""What each verdict of Windows means, why it comes about, and what mends it.

Names are those of AttestationStatus and AttestationSubStatus in Microsoft's guarded fabric
guides; the words are the portal's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apps.attestation.choices import Status


@dataclass(frozen=True)
class Fact:
    """`title` for a cell, `summary` a sentence, `cause` what is behind it, `fix` what to do."""

    title: str
    summary: str
    cause: str = ""
    fix: str = ""


STATUSES: Mapping[str, Fact] = {
    Status.PASSED: Fact(
        "Passed",
        "The host met every policy of its guardian service and may run shielded VMs.",
    ),
    Status.INSECURE: Fact(
        "Insecure host configuration",
        "The host is known to the guardian service, but a setting of it breaks a policy.",
        "One or more security policies of the guardian service weren’t met; the sub-status names "
        "them.",
        "Mend each named setting on the host, restart it where that is said, then have it attest "
        "again.",
    ),
    Status.UNAUTHORIZED: Fact(
        "Unauthorized host",
        "The guardian service doesn’t know this host, so it gets no key.",
        "Its identity was never registered or has changed: the host key, the TPM’s endorsement "
        "key, or the Active Directory group, by the service’s mode.",
        "Have the guardian admin register the host’s identity (Add-HgsAttestationHostKey, "
        "Add-HgsAttestationTpmHost, or membership of the host group), then attest again.",
    ),
    Status.TPM_ERROR: Fact(
        "TPM error",
        "The host’s TPM didn’t answer as it should, so it couldn’t prove what it started with.",
        "The TPM is off, locked out, in need of a firmware update, or was cleared.",
        "Look at Get-Tpm on the host; enable or update the TPM in its firmware, restart it, and "
        "register it again if it was cleared.",
    ),
    Status.EXPIRED: Fact(
        "Expired",
        "The host passed before, but its health certificate has run out since.",
        "The host couldn’t reach the guardian service to attest again, or their clocks differ.",
        "Check that the host reaches the guardian service’s address and that both have the right "
        "time, then have it attest again.",
    ),
    Status.TRANSIENT: Fact(
        "Transient error",
        "The last attempt failed for a reason that may go away by itself; the host tries again.",
        "The guardian service or the way to it had a fault just then.",
        "Wait for the next attempt. If it stays so, check DNS, the network and TLS between the "
        "host and the guardian service, and the service’s own event logs.",
    ),
    Status.NOT_CONFIGURED: Fact(
        "Not configured",
        "The host isn’t under a guardian service, so it can’t run shielded VMs.",
        "No guardian service address is set on it, or it is in local mode.",
        "Put the host under a guardian service from its page.",
    ),
    Status.UNKNOWN: Fact(
        "Unknown",
        "The host hasn’t attested yet, so nobody can say whether it may run shielded VMs.",
        "It has just started, or its guardian client has just been set up.",
        "Wait a minute and refresh; if it stays so, run the diagnostics from the host’s page.",
    ),
}

SUB_STATUSES: Mapping[str, Fact] = {
    "SecureBoot": Fact(
        "Secure Boot",
        "Secure Boot is off or not in order.",
        "Firmware loads code that nobody vouches for.",
        "Turn Secure Boot on in the host’s UEFI settings and restart it.",
    ),
    "SecureBootSettings": Fact(
        "Secure Boot settings",
        "The measured Secure Boot settings differ from every registered baseline.",
        "Firmware, keys or boot order changed since the baseline was captured.",
        "Undo the change, or capture a new TPM baseline on the host and have the guardian admin "
        "add it.",
    ),
    "DebugMode": Fact(
        "Debug mode",
        "A debugger may attach to the firmware, the kernel or the hypervisor.",
        "Boot debugging is switched on.",
        "Switch it off (bcdedit /debug off, bcdedit /hypervisorsettings) and restart the host.",
    ),
    "CodeIntegrityPolicy": Fact(
        "Code integrity policy",
        "The code integrity policy is missing, only audits, or isn’t one that the guardian "
        "service accepts.",
        "A policy was never deployed, was left in audit mode, or was changed.",
        "Deploy the registered policy in enforced mode, or have the guardian admin add the new "
        "one; then restart the host.",
    ),
    "HypervisorEnforcedCodeIntegrityPolicy": Fact(
        "Hypervisor-enforced code integrity",
        "The hypervisor doesn’t enforce code integrity.",
        "Virtualization-based protection of code integrity (HVCI) is off.",
        "Turn HVCI on by policy and restart the host.",
    ),
    "VirtualSecureMode": Fact(
        "Virtualization-based security",
        "Virtualization-based security isn’t running.",
        "It is off, or the hardware virtualization features that it needs are off.",
        "Turn on virtualization-based security, and virtualization and Secure Boot in UEFI; "
        "restart the host.",
    ),
    "Iommu": Fact(
        "IOMMU",
        "Devices may read memory directly: there is no IOMMU protection.",
        "VT-d or AMD-Vi is off, or the processor has none.",
        "Turn on VT-d or AMD-Vi in the host’s UEFI settings and require DMA protection by policy.",
    ),
    "BitLocker": Fact(
        "BitLocker",
        "The host’s system volume isn’t encrypted with BitLocker.",
        "BitLocker was never turned on, or its protection is suspended.",
        "Encrypt the system volume with BitLocker and resume its protection.",
    ),
    "PagefileEncryption": Fact(
        "Page file encryption",
        "The page file isn’t encrypted.",
        "Page file encryption is off.",
        "Turn it on (fsutil behavior set encryptpagingfile 1) and restart the host.",
    ),
    "DumpsEnabled": Fact(
        "Crash dumps",
        "Crash dumps are on, though the guardian service allows none.",
        "The host writes a dump when it crashes.",
        "Turn crash dumps off, or have the guardian admin allow encrypted ones.",
    ),
    "DumpEncryption": Fact(
        "Dump encryption",
        "Crash dumps are written unencrypted.",
        "Dump encryption isn’t set up.",
        "Set up dump encryption on the host with a key that the guardian service knows.",
    ),
    "DumpEncryptionKey": Fact(
        "Dump encryption key",
        "Crash dumps are encrypted with a key that the guardian service doesn’t know.",
        "The key was changed, or never registered.",
        "Use a registered key, or have the guardian admin add this one "
        "(Add-HgsAttestationDumpPolicy).",
    ),
    "FullBoot": Fact(
        "Full boot",
        "The host resumed from sleep or hibernation instead of starting afresh.",
        "Its measurements don’t speak for what runs now.",
        "Restart the host, and keep it from sleeping or hibernating.",
    ),
    "HibernationEnabled": Fact(
        "Hibernation",
        "Hibernation is on and its file isn’t encrypted.",
        "What is in memory could be written to disk in the clear.",
        "Turn hibernation off (powercfg /hibernate off) and restart the host.",
    ),
    "TcgLogVerification": Fact(
        "Measured boot log",
        "The record of what was started doesn’t match the TPM’s measurements.",
        "The log is missing or damaged, or the firmware writes it wrongly.",
        "Update the firmware and restart the host; if it stays so, run the diagnostics.",
    ),
    "NoInformation": Fact("No more information", "The host says nothing more."),
}


def status_fact(status: str) -> Fact:
    """Of a status that Windows may have got since, only its name is known."""
    return STATUSES.get(status) or Fact(
        status,
        f"Windows reports “{status}”, which this version of the portal has no words for.",
        fix="Look the name up in Microsoft’s guarded fabric guides, and run the diagnostics.",
    )


def sub_status_fact(name: str) -> Fact:
    return SUB_STATUSES.get(name) or Fact(
        name, f"Windows names “{name}”.", fix=f"Look up “{name}” in Microsoft’s guides."
    )


def summary(status: str, sub_status: Iterable[str] = ()) -> str:
    """In one or a few sentences what is the matter, the named policies included."""
    named = [sub_status_fact(name).summary for name in sub_status]
    return " ".join([status_fact(status).summary, *named])


def fix(status: str, sub_status: Iterable[str] = ()) -> str:
    """What to do; by the named policies where there are any. Empty when nothing is to be done."""
    named = [found for name in sub_status if (found := sub_status_fact(name).fix)]
    if status == Status.PASSED:
        return ""
    return " ".join(named) if named else status_fact(status).fix

"""HgsClient and HgsDiagnostics: the guarded host's own view."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from apps.lab.cmdlets import cmdlet
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.world import Guardian, Node, Verdict, World

MODE_NAMES = {"tpm": "Tpm", "host-key": "HostKey", "active-directory": "AD"}


@cmdlet("Get-HgsClientConfiguration")
def get_hgs_client_configuration(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        return [configuration(session.world, session.node)]


def configuration(world: World, node: Node) -> dict[str, Any]:
    """MSFT_HgsClientConfiguration."""
    guardian = world.guardian(node.guardian)
    guarded = bool(node.attestation_url)
    passed = node.attestation.status == "Passed"
    names = node.attestation.sub_status or (["NoInformation"] if passed else [])
    return {
        "Mode": "HostGuardianService" if guarded else "Local",
        "IsHostGuarded": guarded and passed,
        "AttestationOperationMode": MODE_NAMES[guardian.mode] if guardian else "Unknown",
        "AttestationStatus": node.attestation.status,
        "AttestationSubstatus": ", ".join(names) or "NoInformation",
        "AttestationServerUrl": node.attestation_url or None,
        "KeyProtectionServerUrl": node.key_protection_url or None,
        "FallbackAttestationServerUrl": None,
        "FallbackKeyProtectionServerUrl": None,
        "IsFallbackInUse": False,
    }


@cmdlet("Set-HgsClientConfiguration")
def set_hgs_client_configuration(session: Session, parameters: Parameters) -> list[Any]:
    """Points the host at a guardian service; attests at once, as Windows does."""
    with session.world.locked():
        node, world = session.node, session.world
        if parameters.switch("EnableLocalMode"):
            node.guardian = node.attestation_url = node.key_protection_url = ""
            node.attestation = Verdict("NotConfigured")
        else:
            _point(world, node, parameters)
        world.changed()
        return [configuration(world, node)]


def _point(world: World, node: Node, parameters: Parameters) -> None:
    url = parameters.text("AttestationServerUrl")
    guardian = guardian_at(world, url)
    before = node.guardian
    node.attestation_url = url
    node.key_protection_url = parameters.text("KeyProtectionServerUrl")
    node.guardian = guardian.name if guardian else ""
    if guardian is None:
        node.attestation = Verdict("TransientError")
    elif guardian.name != before:
        # Nobody has told this guardian service of the host yet: no key, no TPM, no group.
        node.attestation = Verdict("UnauthorizedHost")


def guardian_at(world: World, url: str) -> Guardian | None:
    """The guardian service that answers at an address."""
    host = (urlsplit(url).hostname or "").casefold()
    return next((g for g in world.guardians if g.address.casefold() == host), None)


TESTS = {
    "SecureBoot": "Secure Boot Enabled",
    "CodeIntegrityPolicy": "Code Integrity Policy Active",
    "BitLocker": "BitLocker Enabled",
    "Iommu": "IOMMU Available",
    "TcgLogVerification": "TCG Log Verifiable",
}


@cmdlet("Get-HgsTrace")
def get_hgs_trace(session: Session, parameters: Parameters) -> list[Any]:
    """-RunDiagnostics: results by target, as text and as a result a test."""
    with session.world.locked():
        node, world = session.node, session.world
        found = set(node.attestation.sub_status)
        results = [
            _result(f"Host {title}", "GuardedHost", name not in found, name)
            for name, title in TESTS.items()
        ]
        known = bool(node.attestation_url)
        results.append(_result("Host Guardian Service Configured", "GuardedHost", known, ""))
        guardian = world.guardian(node.guardian)
        results.append(
            _result("Attestation Service Reachable", "Networking", guardian is not None, "")
        )
        for name in sorted(found - TESTS.keys()):
            results.append(_result(f"Attestation Policy {name}", "GuardedHost", False, name))
        overall = all(row["Result"] == "Pass" for row in results)
        overall = overall and node.attestation.status == "Passed"
        return [
            {
                "TargetName": node.name,
                "OverallResult": "Pass" if overall else "Fail",
                "Results": results,
            }
        ]


def _result(title: str, category: str, good: bool, name: str) -> dict[str, Any]:
    told = f"The attestation policy {name} is not met." if name else f"{title}: not so."
    return {
        "Name": title,
        "Category": category,
        "Result": "Pass" if good else "Fail",
        "Message": "" if good else told,
    }

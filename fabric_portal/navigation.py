"""Which ways lead where: the solutions of the top bar and the tools beside each one's pages."""

from collections.abc import Callable
from typing import Any

from django.urls import NoReverseMatch, reverse

from apps.common.access import grant_of, holds
from apps.common.navigation import solution, tool


def _sees(noun: str) -> Callable[[Any], bool]:
    return lambda user: grant_of(user, noun) is not None


def _may(noun: str, action: str) -> Callable[[Any], bool]:
    return lambda user: holds(user, noun, action)


SOLUTIONS = (
    ("clusters", "Clusters", "fabric:overview", "cluster", _sees("cluster")),
    ("vms", "Virtual machines", "vms:list", "vm", _sees("vm")),
    ("library", "Library", "library:list", "library", _sees("template-disk")),
    ("guardian", "Guardian", "attestation:guardian_services", "guardian", _sees("guardian-service")),
    ("audit", "Audit", "audit:entry_list", "audit", _sees("audit-entry")),
    ("activity", "Activity", "operations:operation_list", "activity", _sees("operation")),
)

TOOLS = (
    ("clusters", "Overview", "fabric:overview", "dashboard", "", "", _sees("cluster")),
    ("clusters", "Clusters", "fabric:clusters", "cluster", "Compute", "", _sees("cluster")),
    ("clusters", "Hosts", "fabric:hosts", "host", "Compute", "", _sees("host")),
    ("clusters", "Virtual machines", "vms:list", "vm", "Compute", "", _sees("vm")),
    ("clusters", "Volumes", "fabric:volumes", "volume", "Storage", "", _sees("volume")),
    ("clusters", "Attestation", "attestation:attestation", "attest", "Trust", "", _sees("verdict")),
    ("clusters", "Activity", "operations:operation_list", "activity", "Upkeep", "", _sees("operation")),
    ("vms", "All", "vms:list", "vm", "", "", _sees("vm")),
    ("vms", "Needs attention", "vms:list", "fault", "", "?attention=true", _sees("vm")),
    ("vms", "Shielded", "vms:list", "shield-shielded", "", "?protection=shielded", _sees("vm")),
    ("vms", "Running", "vms:list", "play", "", "?state=running", _sees("vm")),
    ("vms", "Deploy", "deployments:new", "deploy", "Make", "", _may("deployment", "deploy")),
    ("vms", "Deployments", "deployments:list", "history", "Make", "", _sees("deployment")),
    ("library", "Pairs and files", "library:list", "library", "", "", _sees("template-disk")),
    ("library", "Deploy", "deployments:new", "deploy", "Make", "", _may("deployment", "deploy")),
    ("guardian", "Guardian services", "attestation:guardian_services", "guardian", "", "",
     _sees("guardian-service")),
    ("guardian", "Attestation", "attestation:attestation", "attest", "", "", _sees("verdict")),
    ("audit", "Entries", "audit:entry_list", "audit", "", "", _sees("audit-entry")),
    ("audit", "Attestation", "attestation:attestation", "attest", "Trust", "", _sees("verdict")),
    ("activity", "All", "operations:operation_list", "activity", "", "", _sees("operation")),
    ("activity", "Under way", "operations:operation_list", "sync", "", "?status=running",
     _sees("operation")),
    ("activity", "Failed", "operations:operation_list", "bad", "", "?status=failed", _sees("operation")),
)  # fmt: skip


def register() -> None:
    """Called once, when the portal is ready; ways to rooms without pages aren't shown."""
    for order, (section, label, name, icon, visible) in enumerate(SOLUTIONS):
        solution(section, label, name, icon=icon, order=order, visible=_there(name, visible))
    for order, (section, label, name, icon, group, query, visible) in enumerate(TOOLS):
        tool(
            section, label, name, icon=icon, order=order, group=group, query=query,
            visible=_there(name, visible),
        )  # fmt: skip


def _there(name: str, visible: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def asked(user: Any) -> bool:
        try:
            reverse(name)
        except NoReverseMatch:
            return False
        return visible(user)

    return asked

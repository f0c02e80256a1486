"""CimCmdlets: the WMI classes that the portal's scripts read in bulk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from apps.lab.cmdlets import cmdlet
from apps.lab.cmdlets.hyper_v_hardware import encrypts
from apps.lab.cmdlets.objects import moment, now
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.world import VM, Cluster
from apps.lab.world.model import HOLDS_MEMORY
from apps.lab.world.rules import memory_available

Reader = Callable[[Session], list[dict[str, Any]]]
Method = Callable[[Session, Parameters], list[Any]]
METHODS: dict[tuple[str, str, str], Method] = {}


@cmdlet("Get-CimInstance")
def get_cim_instance(session: Session, parameters: Parameters) -> list[Any]:
    """-ClassName with -Namespace, -Filter only in the forms `Name='value'` joined by AND; or
    -InputObject, the same object read again."""
    given = parameters.get("InputObject")
    if given is not None:
        return [given]
    namespace = parameters.text("Namespace", "root/cimv2").replace("\\", "/").casefold()
    name = parameters.text("ClassName")
    reader = CLASSES.get((namespace, name.casefold()))
    if reader is None:
        raise parameters.error(
            "Invalid class ", "MetadataError", "HRESULT 0x80041010"
        )  # what WMI says, its trailing space too
    with session.world.locked():
        rows = reader(session)
    return [row for row in rows if _passes(row, parameters)]


@cmdlet("Invoke-CimMethod")
def invoke_cim_method(session: Session, parameters: Parameters) -> list[Any]:
    """-ClassName with -Namespace, or -InputObject whose CimClass names both; -MethodName."""
    given = parameters.get("InputObject") or {}
    namespace = parameters.text("Namespace", given.get("CimNamespace", "root/cimv2"))
    name = parameters.text("ClassName", given.get("CimClassName", ""))
    key = (namespace.replace("\\", "/").casefold(), name.casefold())
    method = METHODS.get((*key, parameters.text("MethodName").casefold()))
    if method is None:
        words = "Invalid method " if key in {one[:2] for one in METHODS} else "Invalid class "
        code = "0x80041055" if words == "Invalid method " else "0x80041010"
        raise parameters.error(words, "MetadataError", f"HRESULT {code}")
    return method(session, parameters)


def register_method(namespace: str, name: str, method: str, function: Method) -> None:
    """For modules that bring methods of WMI classes; what it gives is the method's result."""
    METHODS[(namespace.casefold(), name.casefold(), method.casefold())] = function


def _passes(row: dict[str, Any], parameters: Parameters) -> bool:
    text = parameters.text("Filter")
    for part in text.split(" AND ") if text else []:
        key, _, value = part.partition("=")
        wanted = value.strip().strip("'\"")
        if str(row.get(key.strip(), "")).casefold() != wanted.casefold():
            return False
    return True


def operating_system(session: Session) -> list[dict[str, Any]]:
    node, cluster = session.node, session.cluster
    return [
        {
            "Caption": node.os,
            "Version": node.os_version,
            "CSName": node.name.upper(),
            "LastBootUpTime": moment(node.booted_at + node.clock_seconds),
            "LocalDateTime": now() + timedelta(seconds=node.clock_seconds),
            "TotalVisibleMemorySize": node.memory_bytes >> 10,
            "FreePhysicalMemory": memory_available(cluster, node) >> 10,
        }
    ]


def computer_system(session: Session) -> list[dict[str, Any]]:
    node, cluster = session.node, session.cluster
    return [
        {
            "Name": node.name.upper(),
            "DNSHostName": node.name,
            "Domain": cluster.domain,
            "PartOfDomain": True,
            "NumberOfLogicalProcessors": node.processors,
            "TotalPhysicalMemory": node.memory_bytes,
        }
    ]


def security_settings(session: Session) -> list[dict[str, Any]]:
    """Msvm_SecuritySettingData of every VM on the host; a VM of generation 1 has none here."""
    vms = session.world.vms_of(session.host_name)
    return [_security(vm) for vm in vms if vm.generation == 2]


def _security(vm: VM) -> dict[str, Any]:
    return {
        "InstanceID": f"Microsoft:{vm.id.upper()}\\5ED9BC9C-4CC7-4F26-8D7B-0A2F1D5C7D11",
        "TpmEnabled": vm.protection != "None",
        "KsdEnabled": False,
        "ShieldingRequested": vm.protection == "Shielded",
        "DataProtectionRequested": encrypts(vm),
        "EncryptStateAndVmMigrationTraffic": encrypts(vm),
        "VirtualizationBasedSecurityOptOut": False,
    }


def cluster_resources(session: Session) -> list[dict[str, Any]]:
    """MSCluster_Resource of the cluster's VMs."""
    cluster = session.cluster
    return [
        {
            "Name": f"Virtual Machine {vm.name}",
            "Type": "Virtual Machine",
            "OwnerGroup": vm.group,
            "OwnerNode": vm.node,
            "State": 2 if vm.state in HOLDS_MEMORY else 3,
            "PrivateProperties": {"VmID": vm.id},
        }
        for vm in cluster.vms
        if vm.clustered
    ]


CLASSES: dict[tuple[str, str], Reader] = {
    ("root/cimv2", "win32_operatingsystem"): operating_system,
    ("root/cimv2", "win32_computersystem"): computer_system,
    ("root/virtualization/v2", "msvm_securitysettingdata"): security_settings,
    ("root/mscluster", "mscluster_resource"): cluster_resources,
}


def register_class(namespace: str, name: str, reader: Reader) -> None:
    """For modules that bring WMI classes of their own (root/msps)."""
    CLASSES[(namespace.casefold(), name.casefold())] = reader


def group_state(vm: VM) -> str:
    """A role's state as Get-ClusterGroup tells it."""
    if vm.transition and vm.transition.kind in ("start", "stop", "save"):
        return "Pending"
    if vm.group_failed:
        return "Failed"
    return "Online" if vm.state in HOLDS_MEMORY else "Offline"


def vm_of_group(cluster: Cluster, name: str) -> VM | None:
    return next((vm for vm in cluster.vms if vm.clustered and vm.group == name), None)

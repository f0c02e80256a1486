"""What Hyper-V and a failover cluster allow. Reads rows, changes none."""

from __future__ import annotations

from collections.abc import Callable

from apps.lab.world.model import GIB, HOLDS_MEMORY, VM, Cluster, Node

NEEDS_ATTESTATION = frozenset({"Shielded", "EncryptionSupported"})


def host_reserve(node: Node) -> int:
    """Memory that the host keeps for itself: 2 GiB, less on small ones."""
    return min(2 * GIB, node.memory_bytes // 8)


def memory_available(cluster: Cluster, node: Node) -> int:
    """Bytes that VMs may still take; memory promised to VMs on their way here is taken."""
    taken = sum(
        vm.memory_bytes
        for vm in cluster.vms
        if vm.state in HOLDS_MEMORY and node.name in (vm.node, _destination(vm))
    )
    return max(0, node.memory_bytes - host_reserve(node) - taken)


def _destination(vm: VM) -> str:
    moving = vm.transition is not None and vm.transition.kind == "move"
    return vm.transition.node if moving and vm.transition else ""


def attested(node: Node) -> bool:
    return node.attestation.status == "Passed"


def start_problem(cluster: Cluster, vm: VM, node: Node) -> tuple[str, str, str] | None:
    """(message, category, error id) of why a VM cannot start on a node, or None."""
    if vm.protection in NEEDS_ATTESTATION and not attested(node):
        return key_protector_problem(vm, node)
    if vm.state not in HOLDS_MEMORY and memory_available(cluster, node) < vm.memory_bytes:
        return memory_problem(vm)
    return None


def key_protector_problem(vm: VM, node: Node) -> tuple[str, str, str]:
    states = ", ".join(node.attestation.sub_status)
    status = node.attestation.status + (f" ({states})" if states else "")
    return (
        f"'{vm.name}' failed to start. (Virtual machine ID {vm.id.upper()})\n"
        f"The key protector for the virtual machine '{vm.name}' could not be unwrapped. "
        f"HostGuardianService returned: the attestation status of this host is {status}. "
        "Details are included in the HostGuardianService-Client event log.",
        "NotSpecified",
        "OperationFailed",
    )


def memory_problem(vm: VM) -> tuple[str, str, str]:
    return (
        f"'{vm.name}' failed to start. (Virtual machine ID {vm.id.upper()})\n"
        f"Not enough memory in the system to start the virtual machine {vm.name} with ram size "
        f"{vm.memory_bytes >> 20} megabytes. (Virtual machine ID {vm.id.upper()})",
        "ResourceUnavailable",
        "OutOfMemory",
    )


def move_problem(cluster: Cluster, vm: VM, node: Node) -> str | None:
    """Why a clustered VM cannot go to a node, in clustering's words, or None."""
    if node.power != "on":
        return f"The cluster node '{node.name}' is not up. The cluster node is not available."
    if node.paused:
        return f"The cluster node '{node.name}' is paused. The operation cannot be completed."
    if vm.state not in HOLDS_MEMORY:
        return None
    if vm.protection in NEEDS_ATTESTATION and not attested(node):
        return (
            f"Virtual machine migration operation for '{vm.name}' failed at migration destination "
            f"'{node.name}'. The key protector for the virtual machine '{vm.name}' could not be "
            "unwrapped. HostGuardianService returned: the attestation status of this host is "
            f"{node.attestation.status}."
        )
    if memory_available(cluster, node) < vm.memory_bytes:
        return (
            f"Virtual machine migration operation for '{vm.name}' failed at migration destination "
            f"'{node.name}'. Not enough memory in the system to start the virtual machine "
            f"{vm.name} with ram size {vm.memory_bytes >> 20} megabytes."
        )
    return None


def best_node(
    cluster: Cluster, vm: VM, avoid: str, also: Callable[[Node], bool] = lambda node: True
) -> Node | None:
    """Where the cluster would put a VM: of the nodes that can take it, the one with most room."""
    fit = [
        node
        for node in cluster.nodes
        if node.name != avoid and move_problem(cluster, vm, node) is None and also(node)
    ]
    return max(fit, key=lambda node: memory_available(cluster, node), default=None)

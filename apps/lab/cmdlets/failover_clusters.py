"""FailoverClusters: the cluster, its nodes, roles and shared volumes."""

from __future__ import annotations

from typing import Any

from apps.lab.cmdlets import cmdlet
from apps.lab.cmdlets.cim_cmdlets import group_state
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.objects import is_wild, matches
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.world import VM, Cluster, Node, Volume, changes
from apps.lab.world.model import HOLDS_MEMORY
from apps.lab.world.rules import move_problem

LONGEST = 3600.0


def _no(parameters: Parameters, message: str, category: str = "NotSpecified") -> CmdletError:
    return parameters.error(message, category, "ClusterCmdletException")


@cmdlet("Get-Cluster")
def get_cluster(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        cluster = session.cluster
        return [{"Name": cluster.name, "Domain": cluster.domain, "Id": cluster.address}]


def node_state(node: Node) -> str:
    if node.power != "on":
        return "Down"
    return "Paused" if node.paused else "Up"


def node_object(cluster: Cluster, node: Node) -> dict[str, Any]:
    return {
        "Name": node.name,
        "NodeName": node.name,
        "State": node_state(node),
        "DrainStatus": node.drain,
        "Id": str(cluster.nodes.index(node) + 1),
        "Cluster": cluster.name,
    }


@cmdlet("Get-ClusterNode")
def get_cluster_node(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        cluster = session.cluster
        names = [str(name) for name in parameters.many("Name")]
        if not names:
            return [node_object(cluster, node) for node in cluster.nodes]
        return [node_object(cluster, the_node(cluster, parameters, name)) for name in names]


def the_node(cluster: Cluster, parameters: Parameters, name: str) -> Node:
    try:
        return cluster.node(name)
    except LookupError:
        raise _no(
            parameters, f"The cluster node '{name}' was not found.", "ObjectNotFound"
        ) from None


@cmdlet("Get-ClusterNetworkInterface")
def get_cluster_network_interface(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        return [
            {
                "Name": f"{node.name} - Management",
                "Node": node.name,
                "Network": "Cluster Network 1",
                "Address": node.address,
                "State": "Up" if node.power == "on" else "Unavailable",
            }
            for node in session.cluster.nodes
        ]


LOCKED = 1  # CLUSGROUP_STATUS_LOCKED_MODE: the group migrates


def group_object(vm: VM) -> dict[str, Any]:
    moving = vm.transition is not None and vm.transition.kind == "move"
    return {
        "StatusInformation": LOCKED if moving else 0,
        "Name": vm.group,
        "OwnerNode": vm.node,
        "State": group_state(vm),
        "GroupType": "VirtualMachine",
        "Id": vm.id,
    }


@cmdlet("Get-ClusterGroup")
def get_cluster_group(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        roles = [vm for vm in session.cluster.vms if vm.clustered]
        if "VMId" in parameters:
            return [group_object(the_role(session.cluster, parameters))]
        for name in parameters.many("Name"):
            roles = [vm for vm in roles if matches(vm.group, str(name))]
            if not roles and not is_wild(str(name)):
                raise _group_missing(parameters, str(name))
        return [group_object(vm) for vm in roles]


def _group_missing(parameters: Parameters, name: str) -> CmdletError:
    return _no(parameters, f"The cluster group '{name}' was not found.", "ObjectNotFound")


def the_role(cluster: Cluster, parameters: Parameters) -> VM:
    """The clustered VM that -VMId, -Name, -InputObject or the pipeline mean."""
    given = [*parameters.many("InputObject"), *parameters.inputs]
    name = parameters.text("Name") or (given[0]["Name"] if given else "")
    wanted = parameters.text("VMId").casefold()
    for vm in cluster.vms:
        if vm.clustered and (vm.id == wanted if wanted else vm.group == name):
            return vm
    raise _group_missing(parameters, wanted or name)


@cmdlet("Get-ClusterSharedVolume")
def get_cluster_shared_volume(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        return [_volume(row) for row in session.cluster.volumes]


def _volume(row: Volume) -> dict[str, Any]:
    free = max(0, row.size_bytes - row.used_bytes)
    return {
        "Name": f"Cluster Virtual Disk ({row.name})",
        "OwnerNode": row.owner_node,
        "State": "Online",
        "SharedVolumeInfo": [
            {
                "FriendlyVolumeName": row.path,
                "FaultState": "NoFaults",
                "Partition": {
                    "FileSystem": row.file_system,
                    "Size": row.size_bytes,
                    "FreeSpace": free,
                    "UsedSpace": row.used_bytes,
                },
            }
        ],
    }


@cmdlet("Move-ClusterVirtualMachineRole")
def move_cluster_virtual_machine_role(session: Session, parameters: Parameters) -> list[Any]:
    """Begins the move; blocks to its end unless -Wait gives the seconds (0: not at all)."""
    world = session.world
    with world.locked():
        cluster = session.cluster
        vm = the_role(cluster, parameters)
        if parameters.switch("Cancel"):
            return _cancel(session, vm)
        node = the_node(cluster, parameters, parameters.text("Node"))
        problem = _why_not(cluster, vm, node)
        if problem:
            raise _no(parameters, problem)
        if vm.node != node.name:
            quick = parameters.text("MigrationType").casefold() != "live"
            changes.begin_move(vm, node, world.timing, quick=quick)
            vm.drained_from = ""
            world.changed()
    seconds = float(parameters.get("Wait", LONGEST))
    if seconds < 0:
        seconds = LONGEST
    session.wait_until(lambda: vm.transition is None, seconds)
    with world.locked():
        if vm.last_problem and not vm.transition and seconds:
            raise _no(parameters, vm.last_problem)
        return [group_object(vm)]


def _why_not(cluster: Cluster, vm: VM, node: Node) -> str | None:
    if vm.transition:
        return (
            f"The action '{vm.transition.kind}' for the cluster group '{vm.group}' is already in "
            "progress. The operation cannot be performed."
        )
    return None if vm.node == node.name else move_problem(cluster, vm, node)


def _cancel(session: Session, vm: VM) -> list[Any]:
    if vm.transition and vm.transition.kind == "move":
        changes.set_state(vm, vm.transition.state)
        vm.transition = None
        session.world.changed()
    return [group_object(vm)]


@cmdlet("Suspend-ClusterNode")
def suspend_cluster_node(session: Session, parameters: Parameters) -> list[Any]:
    """Pauses; with -Drain the roles leave; -Wait blocks until they have."""
    world = session.world
    with world.locked():
        cluster = session.cluster
        node = the_node(cluster, parameters, parameters.text("Name") or session.host_name)
        if node.power != "on":
            raise _no(parameters, f"The cluster node '{node.name}' is not up.")
        if parameters.switch("Drain"):
            changes.begin_drain(cluster, node)
        else:
            node.paused = True
        world.changed()
    if parameters.switch("Wait"):
        session.wait_until(lambda: node.drain != "InProgress", LONGEST)
    with world.locked():
        return [node_object(cluster, node)]


@cmdlet("Resume-ClusterNode")
def resume_cluster_node(session: Session, parameters: Parameters) -> list[Any]:
    world = session.world
    with world.locked():
        cluster = session.cluster
        node = the_node(cluster, parameters, parameters.text("Name") or session.host_name)
        failback = parameters.text("Failback", "NoFailback").casefold() != "nofailback"
        changes.resume(cluster, node, world.timing, failback=failback)
        world.changed()
        return [node_object(cluster, node)]


@cmdlet("Add-ClusterVirtualMachineRole")
def add_cluster_virtual_machine_role(session: Session, parameters: Parameters) -> list[Any]:
    """Makes a VM of this host highly available."""
    with session.world.locked():
        wanted = parameters.text("VMId").casefold()
        name = parameters.text("VMName")
        fit = [vm for vm in session.world.vms_of(session.host_name)
               if (vm.id == wanted if wanted else vm.name == name)]  # fmt: skip
        if not fit:
            raise _no(
                parameters,
                f"Virtual machine '{name or wanted}' was not found on this node.",
                "ObjectNotFound",
            )
        vm = fit[0]
        if vm.clustered:
            raise _no(parameters, f"'{vm.name}' is already a clustered virtual machine.")
        vm.clustered = True
        vm.group = parameters.text("Name") or vm.name
        session.world.changed()
        return [group_object(vm)]


@cmdlet("Remove-ClusterGroup")
def remove_cluster_group(session: Session, parameters: Parameters) -> list[Any]:
    """Takes the role away; the VM stays, as an ordinary one of its host."""
    with session.world.locked():
        vm = the_role(session.cluster, parameters)
        if vm.state in HOLDS_MEMORY and not parameters.switch("Force"):
            raise _no(parameters, f"The cluster group '{vm.group}' is online.")
        vm.clustered, vm.group, vm.group_failed = False, "", False
        session.world.changed()
    return []

"""How the world changes: transitions with time, failover, drain, power. Callers hold the lock."""

from __future__ import annotations

import math
import time

from apps.lab.world import provisioning
from apps.lab.world.model import HOLDS_MEMORY, VM, Cluster, Node, Timing, Transition
from apps.lab.world.rules import best_node, move_problem, start_problem

UP_DAYS = 21  # how long hosts and VMs of a new world have been up
AT_ONCE = 4  # live migrations that a drain runs side by side
DURING = {"start": "Starting", "stop": "Stopping", "save": "Saving", "restart": "Running"}


def begin(clusters: list[Cluster], now: float) -> None:
    """A past for a world that was just defined: boots, starts, checkpoints at different times."""
    for cluster in clusters:
        for i, node in enumerate(cluster.nodes):
            node.booted_at = now - (UP_DAYS - i % 7) * 86_400 - i * 611
        for fault in cluster.faults:
            fault.time = now - 7_200
        for i, vm in enumerate(cluster.vms):
            vm.created_at = now - (90 + i % 30) * 86_400
            if vm.state in HOLDS_MEMORY:
                vm.started_at = now - 3_600 - i * 4_099 % (14 * 86_400)
            for k, checkpoint in enumerate(vm.checkpoints):
                checkpoint.created_at = now - (20 - k) * 3_600
        for node in cluster.nodes:
            if node.power != "on":
                lose_host(cluster, node)


# ---- time
def settle(clusters: list[Cluster], timing: Timing, now: float) -> bool:
    """Ends every transition that is due; whether anything changed."""
    changed = provisioning.settle(clusters, now)
    for cluster in clusters:
        due = [vm for vm in cluster.vms if vm.transition and vm.transition.due <= now]
        for vm in sorted(due, key=lambda vm: vm.transition.due if vm.transition else 0):
            _end(cluster, vm)
            changed = True
        for node in cluster.nodes:
            if node.drain == "InProgress" and node.paused:
                changed |= _go_on_draining(cluster, node, timing)
    return changed


def next_due(clusters: list[Cluster]) -> float:
    """When `settle` has something to do, by time.time(), as long as nothing else changes."""
    vms = [vm for cluster in clusters for vm in cluster.vms]
    ends = [vm.transition.due for vm in vms if vm.transition]
    jobs = [provisioning.next_due(vm.provisioning) for vm in vms if vm.provisioning]
    return min([*ends, *jobs], default=math.inf)


def _end(cluster: Cluster, vm: VM) -> None:
    transition = vm.transition
    if transition is None:
        return
    vm.transition = None
    if transition.kind == "move":
        _arrive(cluster, vm, transition)
        return
    set_state(vm, transition.state)
    if transition.kind in ("start", "restart"):
        vm.started_at = transition.due


def _arrive(cluster: Cluster, vm: VM, transition: Transition) -> None:
    """A migration's last moment: what forbids it now leaves the VM where it was."""
    node = cluster.node(transition.node)
    problem = move_problem(cluster, vm, node)
    if vm.drained_from == node.name:
        vm.drained_from = ""
    set_state(vm, transition.state)
    if problem:
        vm.last_problem = problem
    else:
        vm.node = node.name


def set_state(vm: VM, state: str) -> None:
    """A state at once; uptime begins where the VM wasn't running."""
    if state in HOLDS_MEMORY and vm.state not in HOLDS_MEMORY:
        vm.started_at = time.time()
    vm.state = state
    if state in ("Running", "Paused"):
        vm.group_failed = False


# ---- what a host is told to do
def begin_start(vm: VM, timing: Timing) -> None:
    _begin(vm, "start", "Running", timing.start_ms)


def begin_stop(vm: VM, timing: Timing) -> None:
    _begin(vm, "stop", "Off", timing.shut_down_ms)


def begin_save(vm: VM, timing: Timing) -> None:
    _begin(vm, "save", "Saved", timing.save_ms)


def begin_restart(vm: VM, timing: Timing) -> None:
    _begin(vm, "restart", "Running", timing.shut_down_ms + timing.start_ms)


def _begin(vm: VM, kind: str, state: str, milliseconds: int) -> None:
    now = time.time()
    set_state(vm, DURING[kind])
    vm.transition = Transition(kind, now + milliseconds / 1000, now, state)


def begin_move(vm: VM, node: Node, timing: Timing, *, quick: bool = False) -> None:
    """A move that takes `move_ms` for a VM with memory, a moment for one without.

    A quick one saves a running VM first, so that it stands still on the way.
    """
    now = time.time()
    seconds = timing.move_ms / 1000 if vm.state in HOLDS_MEMORY else 0.0
    vm.last_problem = ""
    vm.transition = Transition("move", now + seconds, now, vm.state, node.name)
    if quick and vm.state == "Running":
        vm.state = "Saving"


def stop_now(vm: VM) -> None:
    """Power off."""
    vm.transition = None
    vm.state = "Off"
    vm.started_at = 0.0


# ---- drain and resume
def begin_drain(cluster: Cluster, node: Node) -> None:
    """Pauses a node; its clustered VMs leave it as `settle` finds room for them."""
    node.paused = True
    node.drain = "InProgress"
    for vm in cluster.vms:
        if vm.node == node.name and vm.clustered:
            vm.last_problem = ""


def _go_on_draining(cluster: Cluster, node: Node, timing: Timing) -> bool:
    left = [vm for vm in cluster.vms if vm.node == node.name and vm.clustered]
    moving = sum(vm.transition is not None for vm in left)
    changed = False
    for vm in left:
        if vm.transition is not None or vm.last_problem or moving >= AT_ONCE:
            continue
        target = best_node(cluster, vm, node.name)
        if target is None:
            vm.last_problem = f"No node of the cluster can take '{vm.name}'."
        else:
            vm.drained_from = node.name
            begin_move(vm, target, timing)
            moving += 1
        changed = True
    if moving:
        return changed
    stuck = [vm for vm in left if vm.last_problem and vm.state in HOLDS_MEMORY]
    node.drain = "Failed" if stuck else "Completed"
    return True


def resume(cluster: Cluster, node: Node, timing: Timing, *, failback: bool) -> None:
    """Lets a node take VMs again; with failback, those that a drain moved away come back."""
    node.paused = False
    node.drain = "NotInitiated"
    for vm in cluster.vms:
        if vm.drained_from != node.name:
            continue
        if not failback or vm.transition or move_problem(cluster, vm, node):
            vm.drained_from = ""
            continue
        begin_move(vm, node, timing)


# ---- power
def lose_host(cluster: Cluster, node: Node) -> None:
    """A host without power: clustered VMs fail over, the others are gone with it."""
    node.power = "off"
    node.hanging = []
    for vm in cluster.vms:
        if vm.transition and vm.transition.kind == "move" and vm.transition.node == node.name:
            vm.transition = None
    for volume in cluster.volumes:
        if volume.owner_node == node.name:
            up = next((n for n in cluster.nodes if n.power == "on"), None)
            volume.owner_node = up.name if up else volume.owner_node
    for vm in [vm for vm in cluster.vms if vm.node == node.name]:
        _fail_over(cluster, vm, node)


def _fail_over(cluster: Cluster, vm: VM, node: Node) -> None:
    ran = vm.state in HOLDS_MEMORY
    if ran:
        stop_now(vm)
    vm.transition = None
    if not vm.clustered:
        vm.restart_on_power = ran
        return
    owner = _start_elsewhere(cluster, vm, node) if ran else best_node(cluster, vm, node.name)
    if owner is None:  # nobody can run it: some live node owns the failed role
        vm.group_failed = ran
        owner = best_node(cluster, vm, node.name)
    if owner is not None:
        vm.node = owner.name


def _start_elsewhere(cluster: Cluster, vm: VM, lost: Node) -> Node | None:
    owner = best_node(
        cluster, vm, lost.name, also=lambda node: start_problem(cluster, vm, node) is None
    )
    if owner is not None:
        vm.node = owner.name
        set_state(vm, "Running")
    return owner


def regain_host(cluster: Cluster, node: Node) -> None:
    """Power is back: the host boots, VMs outside the cluster that ran before start again."""
    node.power = "on"
    node.booted_at = time.time()
    if node.drain == "InProgress":
        node.drain = "Failed"
    for vm in cluster.vms:
        if vm.node == node.name and vm.restart_on_power:
            vm.restart_on_power = False
            if start_problem(cluster, vm, node) is None:
                set_state(vm, "Running")

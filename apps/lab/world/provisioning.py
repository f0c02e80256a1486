"""The provisioning of a shielded VM, as time goes by.

A job is kept in `VM.provisioning`: {"began", "took" (s), "problem", "ended", "state"}. What the
provisioning will find (hashes, qualifiers, missing values) is found when it begins; it shows when
its time has come. Windows forgets a job five minutes after its end, and so does the lab.
"""

from __future__ import annotations

import time
from typing import Any

from apps.lab.world.model import HOLDS_MEMORY, VM, Cluster
from apps.lab.world.rules import NEEDS_ATTESTATION, attested

NEW, PENDING_BOOT, RUNNING, COMPLETED, KILLED, FAILED = 2, 3, 4, 7, 9, 10
WORDS = {
    NEW: "InProgress",
    PENDING_BOOT: "PendingBoot",
    RUNNING: "InProgress",
    COMPLETED: "Complete",
    KILLED: "Failed",
    FAILED: "Failed",
}
KEPT_SECONDS = 300.0
ERROR_FAILED = 32768  # "failed", of the numbers that Hyper-V's jobs end with
BOOT_SHARE = 0.25  # part of the time in which the VM boots the provisioning environment


def begin(vm: VM, problem: str, milliseconds: int) -> None:
    """Starts the job and with it the VM. `problem` "" means that it will succeed."""
    now = time.time()
    vm.provisioning = {
        "began": now,
        "took": milliseconds / 1000,
        "problem": problem,
        "ended": 0.0,
        "state": PENDING_BOOT,
    }
    vm.state = "Running"
    vm.started_at = now


def settle(clusters: list[Cluster], now: float) -> bool:
    """Brings every job to where it is by now; whether anything changed."""
    changed = False
    for cluster in clusters:
        for vm in cluster.vms:
            if vm.provisioning is not None:
                changed |= _settle(cluster, vm, vm.provisioning, now)
    return changed


def _settle(cluster: Cluster, vm: VM, job: dict[str, Any], now: float) -> bool:
    if job["ended"]:
        if now < job["ended"] + KEPT_SECONDS:
            return False
        vm.provisioning = None
        return True
    if vm.state not in HOLDS_MEMORY:
        _end(vm, job, now, KILLED, f"The virtual machine '{vm.name}' was turned off.")
        return True
    if vm.protection in NEEDS_ATTESTATION and not attested(cluster.node(vm.node)):
        _fail(vm, job, now, unwrapping_problem(cluster, vm))
        return True
    if now >= job["began"] + job["took"]:
        _finish(cluster, vm, job, now)
        return True
    state = RUNNING if now >= job["began"] + job["took"] * BOOT_SHARE else PENDING_BOOT
    changed = state != job["state"]
    job["state"] = state
    return changed


def next_due(job: dict[str, Any]) -> float:
    """When time moves the job on, by time.time()."""
    if job["ended"]:
        return float(job["ended"] + KEPT_SECONDS)
    share = BOOT_SHARE if job["state"] == PENDING_BOOT else 1.0
    return float(job["began"] + job["took"] * share)


def unwrapping_problem(cluster: Cluster, vm: VM) -> str:
    status = cluster.node(vm.node).attestation
    names = f" ({', '.join(status.sub_status)})" if status.sub_status else ""
    return (
        f"The key protector for the virtual machine '{vm.name}' could not be unwrapped. "
        f"HostGuardianService returned: the attestation status of this host is {status.status}"
        f"{names}."
    )


def _finish(cluster: Cluster, vm: VM, job: dict[str, Any], now: float) -> None:
    if job["problem"]:
        _fail(vm, job, now, job["problem"])
        return
    _end(vm, job, now, COMPLETED, "")
    # The volume has a key of its own now, in the virtual TPM: the disk is no copy any more.
    for disk in vm.disks:
        for volume in cluster.volumes:
            file = volume.files.get(disk.path)
            if file is not None:
                file.sha256, file.blob = None, ""


def _fail(vm: VM, job: dict[str, Any], now: float, problem: str) -> None:
    _end(vm, job, now, FAILED, problem)
    vm.transition = None
    vm.state, vm.started_at = "Off", 0.0


def _end(vm: VM, job: dict[str, Any], now: float, state: int, problem: str) -> None:
    job.update(ended=now, state=state, problem=problem)


def percent(job: dict[str, Any], now: float) -> int:
    if job["ended"]:
        return 100
    return min(99, int(100 * (now - job["began"]) / max(job["took"], 0.001)))

"""What there is after an operation, in the lab's world and in the portal's rows, so that two runs
of the same operation can be compared: without ids, times, and the numbers of new names.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from apps.fabric.models import Host
from apps.lab.world import VM, World
from apps.library.models import ContentGrant, Pair, ShieldingData, StagedFile, TemplateDisk
from apps.vms.deployments.models import Deployment
from apps.vms.models import VirtualMachine
from tests.stage import Stage

_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
#: What these verbs begin changes nothing that stays.
_READS = ("Get-", "Test-", "Debug-", "Import-", "ConvertTo-")


def plain(stage: Stage, value: Any) -> Any:
    """The same without what differs from run to run."""
    if isinstance(value, str):
        value = value.replace(f"new-{stage.made}", "new-N").replace(f"{stage.made:064x}", "DIGEST")
        return _GUID.sub("ID", value)
    if isinstance(value, dict):
        return {plain(stage, key): plain(stage, one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(stage, one) for one in value]
    return value


def of(stage: Stage) -> dict[str, Any]:
    """World and rows, by the names of their parts."""
    return plain(stage, {**_world(stage.world), **_rows(stage)})


def done(stage: Stage) -> Counter[str]:
    """What cmdlets have changed, and how often."""
    calls = stage.world.cmdlet_calls
    return Counter({name: n for name, n in calls.items() if not name.startswith(_READS)})


def _world(world: World) -> dict[str, Any]:
    with world.locked():
        return {
            "machines": sorted(map(_machine, world.clusters[0].vms), key=str),
            "files": {
                volume.name: sorted((path, file.size_bytes) for path, file in volume.files.items())
                for volume in world.clusters[0].volumes
            },
            "nodes": [
                [node.name, node.power, node.paused, node.drain, node.attestation_url]
                for _, node in world.nodes()
            ],
            "jobs": len(world.jobs),
        }


def _machine(vm: VM) -> dict[str, Any]:
    names = {row.id: row.name for row in vm.checkpoints}
    return {
        "name": vm.name,
        "where": [vm.node, vm.path, vm.clustered, [disk.path for disk in vm.disks]],
        "is": [vm.state, vm.protection, vm.processors, vm.memory_bytes],
        "checkpoints": [(row.name, names.get(row.parent_id or "")) for row in vm.checkpoints],
        "stands on": names.get(vm.current_checkpoint or ""),
        "made of": [vm.template_sha256, vm.shielding_data_sha256],
    }


def _rows(stage: Stage) -> dict[str, Any]:
    machines = VirtualMachine.objects.select_related("host", "tenant")
    return {
        "machines’ rows": sorted(
            [vm.name, str(vm.host), vm.state, vm.protection, vm.clustered, vm.processors,
             vm.memory_bytes, vm.path, str(vm.tenant), vm.problem] for vm in machines
        ),
        "hosts’ rows": [
            [host.name, host.state, host.drain, host.problem]
            for host in Host.objects.order_by("name")
        ],
        "deployments": [
            [row.status, row.leftovers, row.files, row.specialization,
             row.virtual_machine is not None, row.lasting_status]
            for row in Deployment.objects.filter(name=f"new-{stage.made}")
        ],
        "copies": sorted(StagedFile.objects.values_list("path", flat=True)),
        "library": [
            *TemplateDisk.objects.values_list("status", "problems"),
            *sorted(ShieldingData.objects.values_list("status", flat=True))[-1:],
            *sorted(map(str, Pair.objects.values_list("applicable", flat=True)))[-1:],
        ],
        "grants": ContentGrant.objects.filter(revoked_at=None).count(),
    }  # fmt: skip


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    return [
        f"{part}: {found[part]} instead of {expected[part]}"
        for part in expected
        if found[part] != expected[part]
    ]


def believed(stage: Stage) -> list[str]:
    """Where the portal's rows of machines aren't what the world holds."""
    with stage.world.locked():
        world = {(vm.id, vm.name, vm.node, vm.state.lower()) for vm in stage.world.clusters[0].vms}
    machines = VirtualMachine.objects.select_related("host")
    rows = {(str(vm.vm_id), vm.name, str(vm.host), vm.state) for vm in machines}
    return [f"only in rows or world: {one}" for one in sorted(world ^ rows)]

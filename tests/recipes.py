"""One recipe for each kind of operation: how it is asked for, and what it changes in the lab.

Recipes are data for tests that walk all kinds: each begins on a stage that was set back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.attestation import services as attestation
from apps.attestation.models import GuardianService
from apps.fabric import services as fabric
from apps.lab.world import File
from apps.library import inspection, scrub, staging
from apps.library.models import StagedFile
from apps.operations.models import Operation
from apps.vms import services as vms
from apps.vms.deployments import services as deployments
from apps.vms.deployments.batch import services as batches
from apps.vms.deployments.batch.planning import Order
from apps.vms.deployments.batch.table import Line
from apps.vms.deployments.models import Deployment, DeploymentBatch
from apps.vms.deployments.plans import Plan
from apps.vms.lifecycle import PowerVerb
from tests.stage import Stage, execute

GIB = 1 << 30
PRODUCT_KEY, SECRET = "@ProductKey@", "AAAAA-BBBBB-CCCCC-DDDDD"
LEFT = r"C:\ClusterStorage\One\FabricPortal\library\{}.pdk"


@dataclass(frozen=True)
class Recipe:
    """`ask` prepares and queues the operation. `effect` is the cmdlet that changes what the kind is
    about ("" where it only reads), `reached` whether the world is as was asked for. `name` tells
    two recipes of one kind apart. `scripts` are those that it runs, in their order, where nothing
    goes wrong; none for what goes to no host. A failure of one that is `spared` is written down and
    doesn't end the operation; what one that is `unread` answers is nobody's business but its end.
    `guardian`: it asks a guardian service, and no host. `ends`: the code of its own with which it
    ends whatever befell the operations that it follows. `verdict`: a script whose refusal is what
    was asked for: the host's word about a file. `jobs`: those that run as jobs of the host's own.
    `waits`: what comes after the first script waits for a host that is cut off.
    """

    kind: str
    ask: Callable[[Stage], Operation]
    reached: Callable[[Stage], bool]
    scripts: tuple[str, ...]
    effect: str = ""
    name: str = ""
    spared: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    guardian: bool = False
    ends: str = ""
    verdict: str = ""
    jobs: tuple[str, ...] = ()
    waits: bool = False

    @property
    def label(self) -> str:
        return f"{self.kind} ({self.name})" if self.name else self.kind


def _power(verb: PowerVerb, before: str, after: str, cmdlet: str) -> Recipe:
    def ask(stage: Stage) -> Operation:
        stage.set_vm(before)
        return vms.power(actor=stage.admin, vm=stage.vm, verb=verb)

    reached = lambda stage: _state(stage) == after  # noqa: E731
    return Recipe(f"vm.{verb}", ask, reached, ("Set-VMPowerState",), cmdlet)


def _state(stage: Stage) -> str:
    with stage.world.locked():
        return stage.machine.state if stage.machine else ""


def _latest(kind: str) -> Operation:
    return Operation.objects.filter(kind=kind).latest("created_at")


def _move(stage: Stage) -> Operation:
    stage.set_vm("Running")
    target = stage.host("alpha-2")
    return vms.move(actor=stage.admin, vm=stage.vm, host=target, move_type="live")


def _move_storage(stage: Stage) -> Operation:
    volume = stage.cluster.volumes.get(name="Two")
    return vms.move(actor=stage.admin, vm=stage.vm, host=None, move_type="storage", volume=volume)


def _checkpoint_id(stage: Stage) -> str:
    machine = stage.machine
    assert machine is not None
    return machine.checkpoints[0].id


def _checkpoint_change(*, apply: bool) -> Callable[[Stage], Operation]:
    def ask(stage: Stage) -> Operation:
        return vms.checkpoint_change(
            actor=stage.admin, vm=stage.vm, checkpoint_id=_checkpoint_id(stage), apply=apply
        )

    return ask


def _checkpoints(stage: Stage) -> int:
    return len(stage.machine.checkpoints) if stage.machine else -1


def _on_hgs(stage: Stage) -> GuardianService:
    found = stage.lab.facts["hgs"][0]
    row: GuardianService = attestation.ensure_guardian_service(
        actor=stage.people.guardian, name="hgs", address=found["address"], url=found["url"],
        attestation_url=found["attestation_url"],
        key_protection_url=found["key_protection_url"],
    )  # fmt: skip
    Operation.objects.filter(kind="guardian-service.refresh", status="queued").update(
        status="cancelled"
    )
    return row


def _guard(stage: Stage) -> Operation:
    service = _on_hgs(stage)
    with stage.world.locked():
        node = stage.node()
        node.attestation_url = node.key_protection_url = ""
    return attestation.guard_host(actor=stage.admin, host=stage.host(), guardian_service=service)


def _resume(stage: Stage) -> Operation:
    execute(fabric.drain_host(actor=stage.admin, host=stage.host()))
    stage.world.cmdlet_calls.clear()
    return fabric.resume_host(actor=stage.admin, host=stage.host())


def plan_of(stage: Stage, **more: Any) -> Plan:
    stage.made += 1
    return Plan(
        name=f"new-{stage.made}", cluster=stage.cluster, host=stage.host(),
        volume=stage.cluster.volumes.get(name="One"), processors=1, memory_bytes=GIB,
        virtual_switch=stage.cluster.virtual_switches.get(name="Wide"), **more,
    )  # fmt: skip


def _deploy(stage: Stage) -> Operation:
    plan = plan_of(stage, disk_size_bytes=GIB)
    return _operation_of(deployments.deploy(actor=stage.admin, plan=plan))


def _deploy_shielded(stage: Stage) -> Operation:
    stage.bring_samples()
    keys = [*stage.data.substitution_keys, PRODUCT_KEY]
    type(stage.data).objects.filter(pk=stage.data.pk).update(substitution_keys=keys)
    values = dict.fromkeys(keys, "new") | {PRODUCT_KEY: SECRET}
    plan = plan_of(
        stage, template_disk=stage.disk, shielding_data=stage.data, specialization=values
    )
    return _operation_of(deployments.deploy(actor=stage.admin, plan=plan))


def _operation_of(deployment: Deployment | DeploymentBatch) -> Operation:
    assert deployment.operation is not None
    return deployment.operation


def _batch(stage: Stage) -> Operation:
    order = Order(plan_of(stage, disk_size_bytes=GIB), [Line(name=f"new-{stage.made}")])
    return _operation_of(batches.deploy(actor=stage.admin, order=order))


def _verify(stage: Stage) -> Operation:
    stage.bring_samples()
    return scrub.ask(actor=stage.people.contoso, subject=stage.data)


def _is_deployed(stage: Stage) -> bool:
    with stage.world.locked():
        found = stage.world.vms_named(f"new-{stage.made}")
    return len(found) == 1 and found[0][1].state == "Running" and found[0][1].clustered


def _clean_up(stage: Stage) -> Operation:
    operation = _deploy(stage)
    stage.spoil(faults=[{"on": "Add-ClusterVirtualMachineRole", "kind": "error"}])
    execute(operation)
    stage.spoil(faults=[])
    stage.world.cmdlet_calls.clear()
    asked = deployments.clean_up(
        actor=stage.admin, deployment=Deployment.objects.get(operation=operation)
    )
    assert asked is not None
    return asked


def _is_cleaned(stage: Stage) -> bool:
    with stage.world.locked():
        return not stage.world.vms_named(f"new-{stage.made}")


def _inspect(stage: Stage) -> Operation:
    stage.bring_samples()
    stage.item = stage.bring_data()
    return _latest(inspection.INSPECT)


def _is_inspected(stage: Stage) -> bool:
    stage.item.refresh_from_db()
    return stage.item.status == "usable"


def _check_pair(stage: Stage) -> Operation:
    stage.bring_samples()
    stage.pair.applicable = None
    stage.pair.save(update_fields=["applicable"])
    asked = inspection.ask_pair(stage.pair)
    assert asked is not None
    return asked


def _is_checked(stage: Stage) -> bool:
    stage.pair.refresh_from_db()
    return stage.pair.applicable is True


def _unstage(stage: Stage) -> Operation:
    stage.made += 1
    digest = f"{stage.made:064x}"
    volume = stage.cluster.volumes.get(name="One")
    path = LEFT.format(digest)
    StagedFile.objects.create(volume=volume, path=path, sha256=digest, size_bytes=1)
    with stage.world.locked():
        stage.world.clusters[0].volumes[0].files[path] = File(1)
    with transaction.atomic():
        staging.ask_to_forget(digest)
    return _latest(staging.FORGET)


def _is_unstaged(stage: Stage) -> bool:
    with stage.world.locked():
        return LEFT.format(f"{stage.made:064x}") not in stage.world.clusters[0].volumes[0].files


def _edit(stage: Stage) -> Operation:
    return vms.edit_hardware(actor=stage.admin, vm=stage.vm, processors=4, memory_bytes=GIB)


def _is_edited(stage: Stage) -> bool:
    machine = stage.machine
    return machine is not None and (machine.processors, machine.memory_bytes) == (4, GIB)


def _always(stage: Stage) -> bool:
    return True


READING = ("Get-ClusterInventory", "Get-HostInventory")
DEPLOYED = ("Add-DeploymentToCluster", "Set-VMPowerState", "Get-VMSecurityState")
UNREAD = (
    "Add-DeploymentToCluster", "Set-VMPowerState", "New-DeploymentSpecialization",
    "Receive-Content",
)  # fmt: skip
RECIPES: tuple[Recipe, ...] = (
    _power(PowerVerb.START, "Off", "Running", "Start-VM"),
    _power(PowerVerb.SHUT_DOWN, "Running", "Off", "Stop-VM"),
    _power(PowerVerb.TURN_OFF, "Running", "Off", "Stop-VM"),
    _power(PowerVerb.SAVE, "Running", "Saved", "Save-VM"),
    _power(PowerVerb.PAUSE, "Running", "Paused", "Suspend-VM"),
    _power(PowerVerb.RESUME, "Paused", "Running", "Resume-VM"),
    _power(PowerVerb.RESTART, "Running", "Running", "Restart-VM"),
    Recipe(
        "vm.move", _move, lambda s: s.machine is not None and s.machine.node == "alpha-2",
        ("Move-ClusteredVM", "Get-VMSecurityState"), "Move-ClusterVirtualMachineRole",
    ),
    Recipe(
        "vm.move-storage", _move_storage,
        lambda s: s.machine is not None and s.machine.path.startswith(r"C:\ClusterStorage\Two"),
        ("Move-VMFiles",), "Move-VMStorage", jobs=("Move-VMFiles",),
    ),
    Recipe("vm.edit", _edit, _is_edited, ("Set-VMHardware",), "Set-VMProcessor"),
    Recipe(
        "vm.delete", lambda s: vms.delete(actor=s.admin, vm=s.vm, disks=True),
        lambda s: s.machine is None, ("Get-VMDetail", "Remove-DeployedVM"), "Remove-VM",
        spared=("Get-VMDetail",),
    ),
    Recipe(
        "vm.checkpoint", lambda s: vms.checkpoint(actor=s.admin, vm=s.vm, name="before"),
        lambda s: _checkpoints(s) > 1, ("Get-VMDetail", "New-VMSnapshotPoint"), "Checkpoint-VM",
    ),
    Recipe(
        "vm.checkpoint-apply", _checkpoint_change(apply=True), _always,
        ("Get-VMDetail", "Restore-VMSnapshotPoint"), "Restore-VMSnapshot",
    ),
    Recipe(
        "vm.checkpoint-delete", _checkpoint_change(apply=False), lambda s: _checkpoints(s) == 0,
        ("Remove-VMSnapshotPoint",), "Remove-VMSnapshot",
    ),
    Recipe(
        "vm.read", lambda s: vms.read_detail(actor=s.admin, vm=s.vm), _always, ("Get-VMDetail",)
    ),
    Recipe(
        "deployment.deploy", _deploy, _is_deployed,
        ("Test-DeploymentTarget", "New-DeploymentVM", *DEPLOYED), "New-VM", "from sizes",
        unread=UNREAD, waits=True,
    ),
    Recipe(
        "deployment.deploy", _deploy_shielded, _is_deployed,
        (
            "Test-DeploymentTarget", "Receive-Content", "New-DeploymentVM",
            "Set-DeploymentShielding", "New-DeploymentSpecialization",
            "Invoke-DeploymentProvisioning", *DEPLOYED,
        ),
        "New-VM", "shielded", unread=UNREAD, jobs=("Invoke-DeploymentProvisioning",), waits=True,
    ),
    Recipe(
        "deployment.batch", _batch, _is_deployed,
        ("Test-DeploymentTarget", "New-DeploymentVM", *DEPLOYED), "New-VM",
        unread=UNREAD, ends="batch-incomplete",
    ),
    Recipe("library.verify", _verify, _always, ()),
    Recipe(
        "deployment.clean-up", _clean_up, _is_cleaned, ("Get-HostInventory", "Remove-DeployedVM"),
        "Remove-VM", spared=("Get-HostInventory",),
    ),
    Recipe(
        "cluster.refresh",
        lambda s: fabric.refresh_cluster(actor=s.admin, cluster=s.cluster), _always,
        READING, spared=("Get-HostInventory",),
    ),
    Recipe(
        "host.drain", lambda s: fabric.drain_host(actor=s.admin, host=s.host()),
        lambda s: s.node().paused and s.node().drain == "Completed",
        ("Suspend-HostWithDrain", *READING), "Suspend-ClusterNode", spared=("Get-HostInventory",),
    ),
    Recipe(
        "host.resume", _resume, lambda s: not s.node().paused,
        ("Resume-HostWithFailback", *READING), "Resume-ClusterNode", spared=("Get-HostInventory",),
    ),
    Recipe(
        "guardian-service.refresh",
        lambda s: attestation.refresh_guardian_service(
            actor=s.people.guardian, guardian_service=_on_hgs(s)
        ),
        _always, (), guardian=True,
    ),
    Recipe(
        "host.guard", _guard, lambda s: s.node().attestation_url != "",
        ("Set-HostGuardian",), "Set-HgsClientConfiguration",
    ),
    Recipe(
        "host.diagnose", lambda s: attestation.diagnose_host(actor=s.admin, host=s.host()),
        _always, ("Get-HostDiagnostics",),
    ),
    Recipe(
        inspection.INSPECT, _inspect, _is_inspected,
        (
            "Receive-Content", "Get-ShieldingDataFacts", "Get-TemplateDiskFacts",
            "Test-PairApplicability",
        ),
        spared=("Get-TemplateDiskFacts", "Test-PairApplicability"), unread=("Receive-Content",),
        verdict="Get-ShieldingDataFacts",
    ),
    Recipe(
        inspection.CHECK_PAIR, _check_pair, _is_checked,
        ("Receive-Content", "Get-TemplateDiskFacts", "Test-PairApplicability"),
        unread=("Receive-Content", "Get-TemplateDiskFacts"),
    ),
    Recipe(staging.FORGET, _unstage, _is_unstaged, ("Remove-StagedFile",), "Remove-Item",
           unread=("Remove-StagedFile",)),
)  # fmt: skip

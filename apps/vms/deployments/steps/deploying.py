"""deployment.deploy: from files and sizes to a virtual machine that runs where it may.

Every step may be run again: a step that an earlier worker ended is passed over, one that it was in
asks the host what is there already.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from django.db import transaction
from django.utils import timezone

from apps.library import content, staging
from apps.library.hosts import Place
from apps.operations.choices import Status
from apps.operations.context import Context
from apps.operations.errors import Cancelled, OperationFailed
from apps.operations.models import Operation
from apps.operations.runners import Runner
from apps.remoting.errors import RemotingError, ScriptRefused, Stopped
from apps.vms import readings
from apps.vms.choices import VMState, protection_from_windows, state_from_windows
from apps.vms.deployments import services, steps, target
from apps.vms.deployments.models import Deployment
from apps.vms.deployments.steps import provisioning
from apps.vms.deployments.steps.site import Site
from apps.vms.models import VirtualMachine

DEMANDED = {"shielded": "Shielded", "encryption-supported": "EncryptionSupported"}
PROVISION_SECONDS = 3600
START_SECONDS = 60
#: By so much the job outlives its script's own limit, which says more.
SPARE_SECONDS = 3600


def _deploy(ctx: Context) -> dict[str, Any]:
    deployment = _row(ctx.operation)
    Deployment.objects.filter(pk=deployment.pk).update(status=Status.RUNNING)
    site = Site(ctx, deployment)
    try:
        _Work(ctx, site).run()
    except (Cancelled, Stopped):
        _keep_remains(site)
        raise
    except (OperationFailed, RemotingError) as error:
        _tell(ctx, error, _keep_remains(site))
    vm = deployment.virtual_machine
    return {"virtual_machine": str(vm.pk) if vm else None, "vm_id": str(deployment.vm_id)}


def _row(operation: Operation) -> Deployment:
    related = ("cluster", "host__cluster", "volume", "virtual_switch", "template_disk",
               "shielding_data", "iso__file", "tenant", "virtual_machine")  # fmt: skip
    found = Deployment.objects.select_related(*related).filter(pk=operation.target_id).first()
    if found is None:
        raise OperationFailed("not-found", f"The deployment {operation.target_name} is gone.")
    return found


class _Work:
    def __init__(self, ctx: Context, site: Site) -> None:
        self.ctx, self.site, self.deployment = ctx, site, site.deployment

    def run(self) -> None:
        todo: dict[str, Callable[[], None]] = {
            steps.REMOVE_LEFTOVERS: self.remove_leftovers,
            steps.CHECK: self.check,
            steps.BRING_DISK: self.bring_disk,
            steps.BRING_ISO: self.bring_iso,
            steps.BRING_DATA: self.bring_data,
            steps.CREATE: self.create,
            steps.SHIELD: self.shield,
            steps.SPECIALIZE: self.specialize,
            steps.PROVISION: self.provision,
            steps.CLUSTER: self.add_to_cluster,
            steps.START: self.start,
            steps.VERIFY: self.verify,
        }
        for step in list(self.ctx.operation.steps):
            if step["status"] == "succeeded":
                continue  # an earlier worker ended it
            with self.ctx.step(step["name"]):
                todo[step["name"]]()

    def remove_leftovers(self) -> None:
        self.site.remove()
        _forget(self.deployment)

    def check(self) -> None:
        """The world may have changed since the preflight: placement, name, space, attestation."""
        self.require_placement()
        plan, host = services.plan_of(self.deployment), self.site.host
        told = self.site.run("Test-DeploymentTarget", target.parameters(plan))
        for line in target.lines(plan, host, told):
            if not line.ok:
                raise OperationFailed(line.code, line.message, hint=line.fix)

    def require_placement(self) -> None:
        plan = services.plan_of(self.deployment)
        place = plan.chosen(plan.placements())
        if place is None or not place.allowed:
            reasons = place.reasons if place else ()
            raise OperationFailed(
                reasons[0].code if reasons else "placement-refused",
                " ".join(r.message for r in reasons) or f"{self.site.host.name} can’t take it.",
                hint=" ".join(r.fix for r in reasons) or "Choose another host.",
            )

    def bring_disk(self) -> None:
        self.ctx.remember(template_path=self.stage(self.deployment.template_disk))

    def bring_iso(self) -> None:
        self.ctx.remember(iso_path=self.stage(self.deployment.iso))

    def bring_data(self) -> None:
        self.ctx.remember(data_path=self.stage(self.deployment.shielding_data))

    def stage(self, item: Any) -> str:
        file = item.file if item is not None else None
        if file is None:
            raise OperationFailed(
                "item-gone", "A file that it is made of was deleted.", hint="Deploy it anew."
            )
        return staging.bring(self.ctx, file, Place(self.site.host, self.site.volume))

    def create(self) -> None:
        deployment = self.deployment
        folder, disk = deployment.folder, rf"{deployment.folder}\{deployment.name}.vhdx"
        _change(deployment, files=[disk, self.specialization_path])
        switch = deployment.virtual_switch
        parameters = {
            "DeploymentId": str(deployment.pk),
            "Name": deployment.name,
            "Folder": folder,
            "DiskPath": self.ctx.recall("template_path", ""),
            "NewDiskBytes": deployment.disk_size_bytes or 0,
            "MemoryBytes": deployment.memory_bytes,
            "ProcessorCount": deployment.processors,
            "SwitchName": switch.name if switch else "",
            "IsoPath": self.ctx.recall("iso_path", ""),
        }
        template = deployment.template_disk
        copies = template is not None and template.size_bytes > staging.AT_ONCE
        told = (self.site.run_job if copies else self.site.run)("New-DeploymentVM", parameters)
        if not told["disk_path"].lower().startswith(folder.lower() + "\\"):
            raise OperationFailed(
                "disk-elsewhere",
                f"{self.site.host.name} put the disk at {told['disk_path']}, outside of {folder}.",
                hint="Clean up, and see what other software does with new virtual machines there.",
            )
        _change(deployment, vm_id=told["vm_id"], files=[told["disk_path"], *deployment.files[1:]])
        self.show()

    @property
    def specialization_path(self) -> str:
        return rf"{self.deployment.folder}\values.fsk"

    def show(self) -> None:
        """The VM's row, so that its tenant sees it before the next inventory."""
        deployment = self.deployment
        with transaction.atomic():
            vm, _ = VirtualMachine.objects.update_or_create(
                cluster=deployment.cluster,
                vm_id=self.vm_id,
                defaults={
                    "name": deployment.name,
                    "host": self.site.host,
                    "tenant": deployment.tenant,
                    "state": VMState.OFF,
                    "last_known_state": VMState.OFF,
                    "observed_at": timezone.now(),
                    "processors": deployment.processors,
                    "memory_bytes": deployment.memory_bytes,
                    "path": deployment.folder,
                    "switches": [s.name for s in (deployment.virtual_switch,) if s],
                },
            )
            _change(deployment, virtual_machine=vm)
            readings.nudge([vm])

    def shield(self) -> None:
        """Key protector, policy, vTPM: what the shielding data demands."""
        self.require_placement()
        told = self.site.run(
            "Set-DeploymentShielding",
            {"VMId": self.vm_id, "ShieldingDataPath": self.ctx.recall("data_path")},
        )
        self.require_protection(told["policy"])

    @property
    def vm_id(self) -> str:
        return str(self.deployment.vm_id)

    def require_protection(self, told: str) -> None:
        data = self.deployment.shielding_data
        demanded = DEMANDED.get(str(data.policy), "") if data is not None else "None"
        if told != demanded:
            raise OperationFailed(
                "protection-differs",
                f"{self.deployment.name} has the protection {told}; {demanded} was demanded.",
                hint="Don’t use it. Clean up, and look at what changed it.",
            )

    def specialize(self) -> None:
        self.site.run(
            "New-DeploymentSpecialization",
            {"Path": self.specialization_path, "Pairs": self.deployment.specialization},
        )

    def provision(self) -> None:
        """By a job of the host's, which knows the reason of a failure longer than Windows does."""
        if self.ctx.recall("provisioned"):
            return
        if not self.ctx.recall("provisioning"):
            self.require_placement()  # what goes on already is followed, whatever became of it
        self.ctx.remember(provisioning=True)
        parameters = {
            "VMId": self.vm_id,
            "ShieldingDataPath": self.ctx.recall("data_path"),
            "SpecializationPath": self.specialization_path,
            "TimeoutSeconds": PROVISION_SECONDS,
        }
        try:
            told = self.site.run_job(
                "Invoke-DeploymentProvisioning", parameters, PROVISION_SECONDS + SPARE_SECONDS
            )
        except (RemotingError, Cancelled) as ended:
            self.site.turn_off()
            if isinstance(ended, ScriptRefused):
                ended.hint = provisioning.hint_for(ended.host_message)
            raise
        # One that is gone was forgotten after its end: what came of it shows when the VM's
        # protection is read.
        if told["outcome"] == "Failed":
            raise provisioning.failed(
                self.site.host.name, str(told["error_description"] or ""), told["error_code"]
            )
        self.ctx.remember(provisioned=True)

    def power(self, action: str) -> None:
        parameters = {"VMId": self.vm_id, "Action": action, "TimeoutSeconds": START_SECONDS}
        self.site.run("Set-VMPowerState", parameters)

    def add_to_cluster(self) -> None:
        self.site.run("Add-DeploymentToCluster", {"VMId": self.vm_id, "Name": self.deployment.name})

    def start(self) -> None:
        self.power("Start")

    def verify(self) -> None:
        """What the host has now is what was demanded; read back, not concluded."""
        told = self.site.run("Get-VMSecurityState", {"VMId": self.vm_id})
        self.require_protection(told["protection"])
        now = timezone.now()
        VirtualMachine.objects.filter(deployments=self.deployment).update(
            state=state_from_windows(told["state"]),
            last_known_state=state_from_windows(told["state"]),
            protection=protection_from_windows(told["protection"]),
            clustered=True,
            started_at=now if told["state"] == "Running" else None,
            observed_at=now,
        )
        vm = self.deployment.virtual_machine
        if vm is not None:
            vm.refresh_from_db()
            readings.nudge([vm])


def _change(deployment: Deployment, **values: Any) -> None:
    for name, value in values.items():
        setattr(deployment, name, value)
    Deployment.objects.filter(pk=deployment.pk).update(**values)


def _forget(deployment: Deployment) -> None:
    """Nothing of it is on the host any more."""
    VirtualMachine.objects.filter(deployments=deployment).delete()
    _change(deployment, leftovers=[], files=[], vm_id=None, virtual_machine=None)


def _keep_remains(site: Site) -> list[dict[str, Any]]:
    left = site.remains()
    _change(site.deployment, leftovers=left)
    return left


def _tell(ctx: Context, error: OperationFailed | RemotingError, left: list[Any]) -> NoReturn:
    """The failure with its step, the host's words, and what remains of it there."""
    step = next((s["name"] for s in ctx.operation.steps if s["status"] == "failed"), "")
    remains = " and ".join(f"the {one['kind'].replace('-', ' ')} {one['name']}" for one in left)
    hint = f"{error.hint} " if error.hint else ""
    hint += f"Left on the host: {remains}. Clean up removes it." if left else "Nothing is left."
    if isinstance(error, OperationFailed | ScriptRefused):
        raise OperationFailed(
            error.code, f"{step}: {error.message}", hint, error.host_message
        ) from error
    error.args, error.hint = (f"{step}: {error.message}",), hint
    raise error


def _after(operation: Operation) -> None:
    """The row follows its operation, however that ended; values are kept only for a retry."""
    content.revoke(operation)
    deployment = Deployment.objects.filter(pk=operation.target_id, operation=operation).first()
    if deployment is None:
        return
    changes: dict[str, Any] = {"status": operation.status}
    if operation.status == Status.SUCCEEDED:
        changes |= {"sealed_values": "", "leftovers": []}
    elif (operation.error or {}).get("code") in ("worker-lost", "internal") and deployment.files:
        changes["leftovers"] = [
            deployment.leftover("virtual-machine", deployment.name),
            deployment.leftover("folder", deployment.folder, deployment.folder),
        ]
    _change(deployment, **changes)
    services.nudge(deployment)


DEPLOY = Runner(
    kind=services.KIND,
    steps=(),
    run=_deploy,
    resumable=True,
    after=_after,
    again=services.again,
    permission=("deployment", "deploy"),
)

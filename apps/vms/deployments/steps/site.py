"""The host on which a deployment is made: its scripts, its jobs, what it still has of one."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from apps.fabric import selectors as fabric
from apps.operations import jobs, patience
from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.remoting import Endpoint, call, scripts
from apps.remoting.errors import RemotingError, ScriptRefused
from apps.vms.deployments.models import Deployment
from apps.vms.models import VirtualMachine
from apps.vms.runners import reach

#: A large template is copied in hours, where its volume is slow.
COPY_SECONDS = 12 * 3600
INVENTORY_SECONDS = 60
REMOVE_SECONDS = 110


class Site:
    """A deployment's host, for one attempt."""

    def __init__(self, ctx: Context, deployment: Deployment, *, is_patient: bool = True) -> None:
        """`is_patient`: wait for a host that is cut off once something was done there."""
        if deployment.host is None or deployment.volume is None:
            raise OperationFailed(
                "host-gone",
                f"The host or volume chosen for {deployment.name} isn’t in the portal any more.",
                hint="Deploy it anew.",
            )
        self.ctx = ctx
        self.is_patient = is_patient
        self.deployment = deployment
        self.host, self.volume = deployment.host, deployment.volume
        self.endpoint: Endpoint = fabric.endpoint_for_host(self.host)

    def run(self, script: str, parameters: Mapping[str, Any], timeout: float = 90) -> Any:
        """A script's one document. Where it is refused because the cluster has moved the VM
        meanwhile, the work goes on where the VM is now. A host that is cut off is asked again, as
        each of these scripts may be."""
        loaded = scripts.load("vms", script)
        call = lambda: self.ctx.call(self.endpoint, loaded, parameters, timeout=timeout)  # noqa: E731
        return self._where_it_is(lambda: self._patiently(call))

    def _patiently(self, question: Callable[[], Any]) -> Any:
        if not self.is_patient:
            return question()
        allowed = patience.while_cut_off(self.ctx, self.endpoint)
        return patience.ask(self.ctx, self.host.name, question, allowed=allowed)

    def run_job(
        self, script: str, parameters: Mapping[str, Any], seconds: float = COPY_SECONDS
    ) -> Any:
        """The same of a script that may take long, as a process of the host's own that outlives us:
        a worker that takes this operation up again finds it."""
        loaded = scripts.load("vms", script)
        return self._where_it_is(
            lambda: jobs.run(self.ctx, self.endpoint, loaded, parameters, seconds=seconds)
        )

    def _where_it_is(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except ScriptRefused:
            if not self._follow_vm():
                raise
        return ask()

    def _follow_vm(self) -> bool:
        vm = self.deployment.virtual_machine
        owner = reach.owner(self.ctx, vm) if vm is not None else None
        if owner is None or owner.pk == self.host.pk:
            return False
        self.ctx.log(f"{self.deployment.name} is on {owner.name} by now.")
        self.host, self.endpoint = owner, fabric.endpoint_for_host(owner)
        VirtualMachine.objects.filter(deployments=self.deployment).update(host=owner)
        return True

    def turn_off(self) -> None:
        """A machine that is half made doesn't run on, also when somebody cancelled its making."""
        parameters = {"VMId": str(self.deployment.vm_id), "Action": "TurnOff"}
        script = scripts.load("vms", "Set-VMPowerState")
        try:
            call(self.endpoint, script, parameters, timeout=REMOVE_SECONDS)
        except RemotingError as error:
            self.ctx.log(f"{self.deployment.name} couldn’t be turned off: {error.message}")

    def found_vm(self) -> uuid.UUID | None:
        """Hyper-V's id of the VM that this deployment made, as the host has it now."""
        told = call(
            self.endpoint, scripts.load("fabric", "Get-HostInventory"), {},
            timeout=INVENTORY_SECONDS,
        )  # fmt: skip
        return next((uuid.UUID(vm["vm_id"]) for vm in told["vms"] if self._is_own(vm)), None)

    def _is_own(self, vm: Mapping[str, Any]) -> bool:
        """By its id, by the deployment's id in its notes, or by the folder that nobody else has:
        a creation that was cut off may not have come to the notes.
        """
        deployment = self.deployment
        folder = deployment.folder.lower() + "\\"
        return (
            vm["vm_id"].lower() == str(deployment.vm_id)
            or str(deployment.pk) in (vm["notes"] or "").lower()
            or (vm["path"] or "").lower().startswith(folder)
        )

    def remains(self) -> list[dict[str, Any]]:
        """What is left of it on the host, in the order in which it is removed.

        A host that can't be asked may have all of it: nothing is forgotten for want of an answer.
        """
        deployment = self.deployment
        if not deployment.files:
            return []
        found = []
        try:
            vm_id = self.found_vm()
            if vm_id is None and self._follow_vm():
                vm_id = self.found_vm()
            there = vm_id is not None
        except RemotingError:
            vm_id, there = deployment.vm_id, deployment.vm_id is not None
        if there:
            Deployment.objects.filter(pk=deployment.pk).update(vm_id=vm_id)
            deployment.vm_id = vm_id
            found.append(deployment.leftover("virtual-machine", deployment.name))
        found.append(deployment.leftover("folder", deployment.folder, deployment.folder))
        return found

    def remove(self) -> list[str]:
        """Takes away what this deployment made, and nothing else; what was removed."""
        deployment = self.deployment
        jobs.end_left(self.ctx, self.endpoint)  # else a copy goes on beside its removal
        told = self.run(
            "Remove-DeployedVM",
            {
                "VMId": str(deployment.vm_id or ""),
                "Name": deployment.name,
                "Clustered": deployment.vm_id is not None,
                "Files": deployment.files,
                "Folder": deployment.folder,
                "IncludeDisks": False,
            },
            timeout=REMOVE_SECONDS,
        )
        return list(told["removed"])

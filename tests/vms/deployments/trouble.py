"""A deployment on the lab's hosts to which things happen while a worker has it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connections

from apps.lab import fetching, processes
from apps.lab.world import VM
from apps.library.models import Pair, StagedFile
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.vms.deployments import services as deployments
from apps.vms.deployments.models import Deployment
from apps.vms.models import VirtualMachine
from tests.library import bringing
from tests.recipes import plan_of
from tests.stage import Stage, execute
from tests.waiting import wait_for

HOST = "alpha-1"
LONG = 600_000  # ms that a provisioning takes which nobody wants to see end by itself


class Trouble:
    """One stage, and deployments of a pair on it. `fetched` are the bytes that hosts received."""

    def __init__(self, stage: Stage, monkeypatch: Any) -> None:
        self.stage = stage
        self.fetched = self._refused = 0
        plain = fetching.fetch

        def fetch(url: str, part: Path, size: int, **more: Any) -> None:
            before = part.stat().st_size
            if self._refused:
                self._refused -= 1
                raise fetching.FetchProblem("Unable to connect to the remote server")
            try:
                plain(url, part, size, **more)
            finally:
                self.fetched += part.stat().st_size - before

        monkeypatch.setattr(fetching, "fetch", fetch)

    # ---- asking
    def ask(self, sample: str = "contoso-web") -> Operation:
        """A shielded machine of a sample of the demo."""
        self.stage.bring_samples()
        pair = self.stage.pair if sample == "contoso-web" else self._pair(sample)
        values = dict.fromkeys(pair.shielding_data.substitution_keys, "new")
        plan = plan_of(
            self.stage, template_disk=pair.template_disk, shielding_data=pair.shielding_data,
            specialization=values,
        )  # fmt: skip
        operation = deployments.deploy(actor=self.stage.admin, plan=plan).operation
        assert operation is not None
        return operation

    def _pair(self, sample: str) -> Pair:
        row, brought = self.stage.samples[sample], {}
        for kind, name in (("template-disk", "disk.vhdx"), ("shielding-data", "data.pdk")):
            path = Path(row[kind.replace("-", "_")])
            brought[kind] = bringing.item(self.stage.people.contoso, kind, path, name)
        bringing.work()
        found: Pair = Pair.objects.get(
            template_disk=brought["template-disk"], shielding_data=brought["shielding-data"]
        )
        return found

    def do(self, sample: str = "contoso-web") -> Operation:
        return execute(self.ask(sample))

    def retry(self, operation: Operation) -> Operation:
        return execute(operations.retry(actor=self.stage.admin, operation=operation))

    def cancel(self, operation: Operation) -> None:
        operations.cancel(actor=self.stage.admin, operation=operation)

    @contextmanager
    def under_way(self, operation: Operation) -> Iterator[None]:
        """A worker does it meanwhile; at the end it has come to its own."""

        def work() -> None:
            try:
                execute(operation)
            finally:
                connections.close_all()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            thread.join(60)
        assert not thread.is_alive(), "the operation doesn't end"
        operation.refresh_from_db()

    # ---- what happens
    def spoil(self, *faults: dict[str, Any]) -> None:
        self.stage.spoil(faults=list(faults))

    def until_hanging(self, what: str) -> None:
        node = self.stage.node(HOST)
        wait_for(lambda: any(row.on == what for row in node.hanging), f"{what} hangs")

    def until_called(self, script: str, times: int = 1) -> None:
        calls = self.stage.world.script_calls
        wait_for(lambda: calls[script] >= times, f"{script} is called")

    def until_told(self, operation: Operation, words: str) -> None:
        wait_for(lambda: words in self.told(operation), f"its transcript says {words}")

    def power(self, state: str) -> None:
        self.stage.control(f"/hosts/{HOST}", {"power": state})

    def cut_off(self, *wire_faults: dict[str, Any]) -> None:
        """The line to the host; mended without a fault."""
        self.stage.control(f"/hosts/{HOST}", {"wire_faults": list(wire_faults)})

    def take_long(self, milliseconds: int = LONG) -> None:
        """Provisioning, from now on."""
        world = self.stage.world
        world.timing = dataclasses.replace(world.timing, provision_ms=milliseconds)

    def until_provisioning(self) -> VM:
        """The machine whose provisioning has begun."""

        def begun() -> VM | None:
            with self.stage.world.locked():
                found = [vm for _, vm in self.stage.world.vms_named(self.name)]
                return found[0] if found and found[0].provisioning else None

        found = wait_for(begun, "the provisioning begins")
        assert found is not None
        return found

    def pass_time(self, vm: VM, seconds: float) -> None:
        """For a provisioning under way."""
        with self.stage.world.locked():
            (vm.provisioning or {})["began"] -= seconds
            self.stage.world.changed()

    def forget_provisioning(self, vm: VM) -> None:
        """Windows does, some minutes after its end."""
        with self.stage.world.locked():
            (vm.provisioning or {})["ended"] -= 400
            self.stage.world.changed()
        with self.stage.world.locked():
            assert vm.provisioning is None

    def refuse_fetching(self, times: int) -> None:
        """The portal's content can't be reached so often."""
        self._refused = times

    def forget_files(self) -> None:
        """No host has any file of the library."""
        with self.stage.world.locked():
            for volume in self.stage.world.clusters[0].volumes:
                volume.files = {k: v for k, v in volume.files.items() if "library" not in k}
        StagedFile.objects.all().delete()

    def until_job_ended(self) -> None:
        """The portal's, on the host."""
        rows = self.stage.world.jobs
        wait_for(lambda: any(row["state"] != "running" for row in rows.values()), "the job ends")

    def lose_jobs(self) -> None:
        """Somebody has emptied the folder of jobs; what ran there has ended."""
        world = self.stage.world
        with world.locked():
            for key in list(world.jobs):
                processes.end(world, key)
                del world.jobs[key]

    def attest(self, status: str) -> None:
        self.stage.control(f"/hosts/{HOST}", {"attestation": {"status": status, "sub_status": []}})

    # ---- what is true
    @property
    def name(self) -> str:
        return f"new-{self.stage.made}"

    def told(self, operation: Operation) -> str:
        return "\n".join(operation.events.order_by("seq").values_list("message", flat=True))

    def machines(self) -> list[VM]:
        with self.stage.world.locked():
            return [vm for _, vm in self.stage.world.vms_named(self.name)]

    def files(self) -> list[str]:
        """Of the machine's own folder."""
        with self.stage.world.locked():
            volumes = self.stage.world.clusters[0].volumes
            folder = rf"\FabricPortal\vms\{self.name}" + "\\"
            return [path for volume in volumes for path in volume.files if folder in path]

    def jobs(self) -> list[str]:
        """Folders of jobs on hosts, and processes."""
        with self.stage.world.locked():
            alive = processes.alive(self.stage.world, HOST)
            return [*self.stage.world.jobs, *alive]

    def require_made(self, operation: Operation) -> None:
        """One machine as it was asked for, and nothing beside it."""
        assert operation.status == "succeeded", operation.error
        (vm,) = self.machines()
        assert (vm.state, vm.protection, vm.clustered) == ("Running", "Shielded", True)
        row = Deployment.objects.get(operation=operation)
        assert (row.leftovers, row.status) == ([], "succeeded")
        assert VirtualMachine.objects.filter(name=self.name).count() == 1
        assert self.jobs() == []

    def require_remains_named(self, operation: Operation) -> None:
        """At most one machine, and whatever is there is named on the deployment."""
        assert operation.status in ("failed", "errored", "cancelled")
        named = {one["kind"] for one in Deployment.objects.get(operation=operation).leftovers}
        machines, files = self.machines(), self.files()
        assert len(machines) <= 1
        assert not machines or "virtual-machine" in named
        assert not files or "folder" in named
        running = {step["status"] for step in operation.steps} & {"running"}
        assert not running

    def clean_up(self, operation: Operation) -> None:
        """Removes all of it, as a person would ask for."""
        row = Deployment.objects.get(operation=operation)
        asked = deployments.clean_up(actor=self.stage.admin, deployment=row)
        if asked is not None:
            assert execute(asked).status == "succeeded", asked.error
        assert (self.machines(), self.files(), self.jobs()) == ([], [], [])
        row.refresh_from_db()
        assert row.leftovers == []
        assert not VirtualMachine.objects.filter(name=self.name).exists()

    def require_retried(self, operation: Operation) -> None:
        """A retry makes it, and the files don't come over the line again."""
        before = self.fetched
        self.require_made(self.retry(operation))
        assert self.fetched == before

    def require_retried_as_another(self, operation: Operation, vm: VM) -> None:
        """Of a fresh copy: what began to be provisioned can't begin again."""
        self.require_retried(operation)
        assert [one.id for one in self.machines()] != [vm.id]


def with_words(reason: str) -> Callable[..., str]:
    """In place of what the lab finds out about a provisioning."""
    return lambda *found: reason

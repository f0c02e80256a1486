"""A lab in this process, the portal's cluster that stands for it, and the way back to the start."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command

from apps.fabric import inventory
from apps.fabric import services as fabric
from apps.fabric.models import Cluster, Host
from apps.lab.service import Lab
from apps.lab.world import VM, Node, parse
from apps.library.models import Pair, ShieldingData, StagedFile, TemplateDisk
from apps.operations import execution
from apps.operations.models import Operation
from apps.remoting.pool import POOL
from apps.vms.models import VirtualMachine
from tests.library import bringing
from tests.people import People
from tests.serving import served

PASSWORD = "Correct.Horse.77"
DEFINITION = f"""
domain: test.example
guardian_services: [{{name: hgs, mode: host-key, address: hgs.test.example, nodes: 2}}]
timing: {{powershell_start_ms: 0, cmdlet_ms: 0, move_ms: 0, start_ms: 0, shut_down_ms: 0,
         save_ms: 0, provision_ms: 0}}
clusters:
  - name: alpha
    guardian: hgs
    credentials: {{username: 'TEST\\ops', password: '{PASSWORD}'}}
    nodes:
      - {{name: alpha-1, memory_gib: 64, processors: 16}}
      - {{name: alpha-2, memory_gib: 64, processors: 16}}
    volumes: [{{name: One, size_gib: 900, used_gib: 40}}, {{name: Two, size_gib: 500, used_gib: 1}}]
    switches: [{{name: Wide, type: External}}]
    vms:
      - {{name: work, node: alpha-1, state: 'Off', memory_gib: 2, checkpoints: 1}}
      - {{name: other, node: alpha-1, state: Running, memory_gib: 2}}
"""
NODES = ("alpha-1", "alpha-2")


class Stage:
    """`begin` sets everything back; recipes act on `vm`, the machine named work on alpha-1."""

    def __init__(self, folder: Path) -> None:
        self.definition = folder / "lab.yaml"
        self.definition.write_text(DEFINITION)
        self.folder = folder
        self.lab = Lab(parse(DEFINITION), folder / "lab")
        self.people = People()
        row = self.lab.facts["clusters"][0]
        names = ("name", "address", "port", "use_tls", "transport", "username", "password")
        self.way = {name: row[name] for name in names}
        self.cluster: Cluster = fabric.add_cluster(actor=self.admin, **self.way)
        execute(Operation.objects.latest("created_at"))
        self.made = 0
        self.samples: dict[str, dict[str, Any]] = {}
        self.item: ShieldingData  # the newest of the library

    @property
    def admin(self) -> Any:
        return self.people.admin

    @property
    def world(self) -> Any:
        return self.lab.world

    @property
    def vm(self) -> VirtualMachine:
        return VirtualMachine.objects.select_related("host", "cluster").get(name="work")

    @property
    def machine(self) -> VM | None:
        """The same as the lab has it; None once it is gone."""
        return next((vm for _, vm in self.world.vms_named("work")), None)

    def host(self, name: str = "alpha-1") -> Host:
        return Host.objects.select_related("cluster").get(name=name)

    def node(self, name: str = "alpha-1") -> Node:
        node: Node = self.world.node(name)
        return node

    def control(self, path: str, body: Any) -> None:
        content = json.dumps(body).encode()
        url = self.lab.facts["control_url"] + path
        request = urllib.request.Request(url, content, method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            pass

    def spoil(self, **changes: Any) -> None:
        """The same on every host: wherever a kind goes, it meets it."""
        for name in NODES:
            self.control(f"/hosts/{name}", changes)

    def mend(self) -> None:
        """No fault is left, nothing hangs on one, the clocks are right."""
        self.spoil(faults=[], wire_faults=[], clock_seconds=0, power="on")
        self.control("/guardian-services/hgs", {"wire_faults": []})

    def begin(self) -> None:
        """The lab as defined, the portal's rows as the lab is, sessions warm on every host."""
        self.mend()
        POOL.close()
        self.control("/reset", {})
        StagedFile.objects.all().delete()
        Operation.objects.filter(status__in=("queued", "running")).update(status="cancelled")
        self.read()

    def read(self) -> None:
        self.cluster.refresh_from_db()
        inventory.read_cluster(self.cluster)

    def set_vm(self, state: str) -> None:
        self.control("/vms/work", {"state": state})
        self.read()

    def shells(self) -> dict[str, int]:
        """Shells that hosts hold for the portal."""
        return {name: self.lab.wsman.open_shells(name) for name in NODES}

    # ---- the library
    def bring_samples(self) -> None:
        """A pair that applies, looked into by a host."""
        if self.samples:
            return
        out = self.folder / "samples"
        call_command(
            "lab_files", out=str(out), data_dir=str(self.folder), definition=str(self.definition)
        )
        listed = json.loads((out / "manifest.json").read_text())
        self.samples = {row["name"]: row for row in listed}
        sample = self.samples["contoso-web"]
        self.disk: TemplateDisk = bringing.item(
            self.people.contoso, "template-disk", Path(sample["template_disk"]), "disk.vhdx"
        )
        self.data: ShieldingData = self.bring_data()
        bringing.work()
        self.disk.refresh_from_db()
        self.data.refresh_from_db()
        self.pair: Pair = Pair.objects.get(template_disk=self.disk, shielding_data=self.data)

    def bring_data(self) -> ShieldingData:
        sample = self.samples["contoso-web"]
        data: ShieldingData = bringing.item(
            self.people.contoso, "shielding-data", Path(sample["shielding_data"]), "data.pdk"
        )
        return data

    def close(self) -> None:
        POOL.close()
        self.lab.close()


def execute(operation: Operation) -> Operation:
    execution.execute(operation.pk)
    operation.refresh_from_db()
    return operation


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A stage whose hosts reach the portal."""
    with ExitStack() as open_things:
        port = open_things.enter_context(served(cut=True))
        before = settings.FABRIC_CONTENT_URL, settings.FABRIC_CONTENT_CA
        settings.FABRIC_CONTENT_URL = f"http://127.0.0.1:{port}"
        settings.FABRIC_CONTENT_CA = "/nowhere"
        try:
            made = Stage(folder)
            open_things.callback(made.close)
            yield made
        finally:
            settings.FABRIC_CONTENT_URL, settings.FABRIC_CONTENT_CA = before

"""Virtual machines as their hosts last told of them."""

import datetime
from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.permissions import RestrictedQuerySet
from apps.common.freshness import freshness
from apps.common.models import UUIDModel
from apps.operations.models import Operation
from apps.vms.choices import GUARDED, Protection, VMState


class VirtualMachine(UUIDModel):
    """One virtual machine of a cluster, known by Hyper-V's id for it."""

    noun = "vm"
    tenant_path = "tenant"

    cluster = models.ForeignKey("fabric.Cluster", models.CASCADE, related_name="virtual_machines")
    host = models.ForeignKey(
        "fabric.Host", models.SET_NULL, null=True, related_name="virtual_machines"
    )
    tenant = models.ForeignKey(
        "accounts.Tenant", models.SET_NULL, null=True, blank=True, related_name="virtual_machines"
    )
    vm_id = models.UUIDField("Hyper-V's id")
    name = models.CharField(max_length=255)
    state = models.CharField(max_length=16, choices=VMState, default=VMState.UNKNOWN)
    last_known_state = models.CharField(max_length=16, choices=VMState, default=VMState.UNKNOWN)
    protection = models.CharField(max_length=24, choices=Protection, default=Protection.UNKNOWN)
    generation = models.PositiveSmallIntegerField(default=2)
    processors = models.PositiveIntegerField(default=0)
    memory_bytes = models.BigIntegerField(default=0)
    memory_assigned_bytes = models.BigIntegerField(default=0)
    cpu_percent = models.PositiveSmallIntegerField(null=True)
    started_at = models.DateTimeField(null=True)
    clustered = models.BooleanField(default=False)
    switches = models.JSONField(default=list)
    path = models.CharField(max_length=1024, blank=True)
    observed_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)

    # Pages and lists give these to their rows, by one query for all of them.
    active_operation: Operation | None
    doing: str

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "vm_id"], name="vm_once_in_a_cluster")
        ]
        indexes = [
            models.Index(fields=["name", "id"], name="vm_by_name"),
            models.Index(fields=["state", "name", "id"], name="vm_by_state"),
            models.Index(fields=["protection", "name", "id"], name="vm_by_protection"),
            models.Index(fields=["cluster", "name", "id"], name="vm_by_cluster"),
            models.Index(fields=["host", "name", "id"], name="vm_by_host"),
            models.Index(
                fields=["tenant", "name", "id"],
                name="vm_by_tenant",
                condition=Q(tenant__isnull=False),
            ),
            models.Index(fields=["cpu_percent", "name", "id"], name="vm_by_cpu"),
            models.Index(fields=["memory_bytes", "name", "id"], name="vm_by_memory"),
            models.Index(fields=["started_at", "name", "id"], name="vm_by_start"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def freshness(self) -> str:
        return freshness(self.observed_at, self.failing_since)

    @property
    def guarded(self) -> bool:
        """Whether only an attested host can start it. Unknown counts as guarded."""
        return self.protection in GUARDED or self.protection == Protection.UNKNOWN

    @property
    def uptime_seconds(self) -> int | None:
        """Seconds since it was started, while it runs or is paused."""
        if self.started_at is None or self.state not in (VMState.RUNNING, VMState.PAUSED):
            return None
        return max(0, int((timezone.now() - self.started_at) / datetime.timedelta(seconds=1)))


class ClusterCount(models.Model):
    """How many virtual machines of which kind a cluster has; `apps.vms.counting` keeps it.

    `cells` are lists of tenant's id or null, state, protection, number; `hosts` are lists of
    host's id or null, number. Cells of nothing aren't there.
    """

    cluster = models.OneToOneField(
        "fabric.Cluster", models.CASCADE, primary_key=True, related_name="vm_count"
    )
    cells = models.JSONField(default=list)
    hosts = models.JSONField(default=list)
    counted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Count of {self.cluster_id}"


class VMDetail(models.Model):
    """What only the page of one virtual machine needs, as its host last told it.

    `disks`, `network_adapters`, `checkpoints`, `integration_services` are lists of objects in
    the shape of Get-VMDetail.ps1; `security` is its object.
    """

    vm = models.OneToOneField(
        VirtualMachine, models.CASCADE, primary_key=True, related_name="detail"
    )
    disks = models.JSONField(default=list)
    network_adapters = models.JSONField(default=list)
    checkpoints = models.JSONField(default=list)
    integration_services = models.JSONField(default=list)
    security = models.JSONField(default=dict)
    observed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Detail of {self.vm_id}"

    @classmethod
    def write(cls, vm: VirtualMachine, told: Mapping[str, Any]) -> None:
        """Keeps what Get-VMDetail.ps1 answered."""
        parts = ("disks", "network_adapters", "checkpoints", "integration_services", "security")
        cls.objects.update_or_create(
            vm=vm, defaults={part: told[part] for part in parts} | {"observed_at": timezone.now()}
        )


from apps.vms.deployments.models import Deployment as Deployment  # noqa: E402
from apps.vms.deployments.models import DeploymentBatch as DeploymentBatch  # noqa: E402

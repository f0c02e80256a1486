"""Deployments: what was asked for, on which host it was made, and what a failure left there."""

import json
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from apps.accounts.permissions import RestrictedQuerySet
from apps.common.models import UUIDModel
from apps.fabric import credentials
from apps.operations.choices import ACTIVE, Status


class DeploymentBatch(UUIDModel):
    """Many virtual machines of the same files and sizes, asked for at once.

    Each is a deployment of its own, `batch_number` counting from 1; `operation` follows them all.
    """

    noun = "deployment"
    tenant_path = "tenant"

    title = models.CharField(max_length=255)
    cluster = models.ForeignKey("fabric.Cluster", models.CASCADE, related_name="+")
    tenant = models.ForeignKey("accounts.Tenant", models.SET_NULL, null=True, related_name="+")
    operation = models.ForeignKey(
        "operations.Operation", models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.title

    @property
    def name(self) -> str:
        return self.title


class Deployment(UUIDModel):
    """One virtual machine to be made.

    `status` follows its operation's. `checks` is the preflight as it was when it was asked for.
    `folder` and `files` are what was made on the host's volume for it. `leftovers`, once it ended
    otherwise than well, is a list of {kind, name, path, host}.
    """

    noun = "deployment"
    tenant_path = "tenant"

    name = models.CharField(max_length=100)
    cluster = models.ForeignKey("fabric.Cluster", models.CASCADE, related_name="deployments")
    host = models.ForeignKey("fabric.Host", models.SET_NULL, null=True, related_name="+")
    volume = models.ForeignKey("fabric.Volume", models.SET_NULL, null=True, related_name="+")
    virtual_switch = models.ForeignKey(
        "fabric.VirtualSwitch", models.SET_NULL, null=True, related_name="+"
    )
    template_disk = models.ForeignKey(
        "library.TemplateDisk", models.SET_NULL, null=True, related_name="deployments"
    )
    shielding_data = models.ForeignKey(
        "library.ShieldingData", models.SET_NULL, null=True, related_name="deployments"
    )
    iso = models.ForeignKey(
        "library.Upload", models.SET_NULL, null=True, related_name="deployments"
    )
    tenant = models.ForeignKey(
        "accounts.Tenant", models.SET_NULL, null=True, related_name="deployments"
    )
    virtual_machine = models.ForeignKey(
        "vms.VirtualMachine", models.SET_NULL, null=True, related_name="deployments"
    )
    operation = models.ForeignKey(
        "operations.Operation", models.SET_NULL, null=True, related_name="+"
    )
    batch = models.ForeignKey(
        "vms.DeploymentBatch", models.SET_NULL, null=True, related_name="deployments"
    )
    batch_number = models.PositiveSmallIntegerField(null=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    processors = models.PositiveIntegerField()
    memory_bytes = models.BigIntegerField()
    disk_size_bytes = models.BigIntegerField(null=True)
    sealed_values = models.TextField(blank=True)
    start = models.BooleanField(default=True)
    checks = models.JSONField(default=list)
    vm_id = models.UUIDField("Hyper-V's id", null=True)
    folder = models.CharField(max_length=1024, blank=True)
    files = models.JSONField(default=list)
    leftovers = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                "cluster",
                Lower("name"),
                condition=Q(status__in=sorted(ACTIVE)),
                name="one_deployment_of_a_name",
            )
        ]
        indexes = [models.Index(fields=["tenant", "-created_at"], name="deployment_by_tenant")]

    def __str__(self) -> str:
        return self.name

    @property
    def specialization(self) -> dict[str, Any]:
        """Values for the answer file by their keys, passwords and product keys among them: sealed
        at rest, and kept until it has succeeded. Raises EnvelopeError.
        """
        if not self.sealed_values:
            return {}
        told: dict[str, Any] = json.loads(
            credentials.reveal(self.sealed_values, owner=self._owner_of_values)
        )
        return told

    @specialization.setter
    def specialization(self, values: dict[str, Any]) -> None:
        text = json.dumps(values)
        owner = self._owner_of_values
        self.sealed_values = credentials.seal(text, owner=owner) if values else ""

    @property
    def _owner_of_values(self) -> str:
        return f"deployment-values:{self.pk}"

    def reseal(self) -> bool:
        """Seals its values with the newest key; whether that was needed. Raises EnvelopeError."""
        if not self.sealed_values or credentials.is_current(self.sealed_values):
            return False
        self.specialization = self.specialization
        self.save(update_fields=["sealed_values"])
        return True

    @property
    def guarded(self) -> bool:
        """Whether its VM is to be protected, so that only an attested host can make it."""
        return self.shielding_data_id is not None

    @property
    def lasting_status(self) -> str:
        """Its operation's status, which is the newer word while it is under way."""
        return self.operation.status if self.operation else self.status

    def leftover(self, kind: str, name: str, path: str = "") -> dict[str, Any]:
        """Something of it that is still on the host: `kind` is virtual-machine or folder."""
        host = {"id": str(self.host_id), "name": self.host.name} if self.host else None
        return {"kind": kind, "name": name, "path": path, "host": host}

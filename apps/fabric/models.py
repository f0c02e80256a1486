"""Clusters and what they consist of, as the hosts last told of it.

Every row that was read from a host carries when (`observed_at`), and where the latest reading
failed since when (`failing_since`) and why (`problem`).
"""

from typing import Any

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from apps.accounts.permissions import RestrictedQuerySet
from apps.common.freshness import freshness
from apps.common.models import UUIDModel
from apps.fabric.choices import DrainState, FaultSeverity, HostState, Transport


class Observed(UUIDModel):
    """A row that shows what a host or cluster said."""

    # what pages add to rows that they show (see pages.py)
    extras: dict[str, Any]
    memory: dict[str, int] | None
    storage: dict[str, int] | None
    active_operation: Any

    tenant_path: str | None = None

    observed_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)

    objects = RestrictedQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def freshness(self) -> str:
        return freshness(self.observed_at, self.failing_since)


class Cluster(Observed):
    """A failover cluster, and how to sign in to it."""

    noun = "cluster"

    name = models.CharField(max_length=64)
    address = models.CharField(max_length=253)
    port = models.PositiveIntegerField()
    use_tls = models.BooleanField()
    transport = models.CharField(max_length=16, choices=Transport)
    username = models.CharField(max_length=256)
    password_envelope = models.TextField(blank=True)
    client_certificate = models.TextField(blank=True)
    client_key_envelope = models.TextField(blank=True)
    ca_certificate = models.TextField(blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    keeps_powershell = models.BooleanField(default=True)
    domain = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="cluster_name_once"),
            models.UniqueConstraint("address", "port", name="cluster_address_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Host(Observed):
    """A node of a cluster."""

    noun = "host"

    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="hosts")
    name = models.CharField(max_length=64)
    fqdn = models.CharField(max_length=255, blank=True)
    address = models.CharField(max_length=253, blank=True)
    state = models.CharField(max_length=16, choices=HostState, default=HostState.UNKNOWN)
    drain = models.CharField(max_length=16, choices=DrainState, default=DrainState.NOT_INITIATED)
    processors = models.PositiveIntegerField(null=True)
    memory_bytes = models.BigIntegerField(null=True)
    memory_available_bytes = models.BigIntegerField(null=True)
    os_name = models.CharField(max_length=128, blank=True)
    os_version = models.CharField(max_length=64, blank=True)
    booted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint("cluster", Lower("name"), name="host_once_in_a_cluster")
        ]
        indexes = [models.Index(fields=["name", "id"], name="host_by_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def up_seconds(self) -> int | None:
        """Seconds since it was started."""
        if self.booted_at is None:
            return None
        return max(0, int((timezone.now() - self.booted_at).total_seconds()))


class Volume(Observed):
    """A cluster shared volume."""

    noun = "volume"

    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="volumes")
    name = models.CharField(max_length=255)
    path = models.CharField(max_length=1024, blank=True)
    state = models.CharField(max_length=64, blank=True)
    file_system = models.CharField(max_length=32, blank=True)
    owner_node = models.CharField(max_length=64, blank=True)
    size_bytes = models.BigIntegerField(null=True)
    free_bytes = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint("cluster", "name", name="volume_once_in_a_cluster")]

    def __str__(self) -> str:
        return self.name

    @property
    def used_bytes(self) -> int | None:
        if self.size_bytes is None or self.free_bytes is None:
            return None
        return self.size_bytes - self.free_bytes


class VirtualSwitch(Observed):
    """A virtual switch by its name; Hyper-V has one of its own on each host."""

    noun = "virtual-switch"

    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="virtual_switches")
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=16, blank=True)
    hosts = models.ManyToManyField(Host, related_name="virtual_switches")

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint("cluster", "name", name="switch_once_in_a_cluster")]

    def __str__(self) -> str:
        return self.name


class HealthFault(Observed):
    """Something that the cluster's health service finds wrong."""

    noun = "health-fault"

    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="health_faults")
    fault_id = models.CharField(max_length=255)
    type = models.CharField(max_length=255, blank=True)
    severity = models.CharField(max_length=16, choices=FaultSeverity, default=FaultSeverity.WARNING)
    reason = models.TextField(blank=True)
    faulting_object = models.CharField(max_length=512, blank=True)
    location = models.CharField(max_length=512, blank=True)
    actions = models.JSONField(default=list)
    raised_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-raised_at", "id"]
        constraints = [
            models.UniqueConstraint("cluster", "fault_id", name="fault_once_in_a_cluster")
        ]

    def __str__(self) -> str:
        return self.reason or self.type

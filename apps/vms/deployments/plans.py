"""What a deployment is asked to be, before there is one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apps.accounts.models import Tenant
from apps.attestation import selectors as attestation
from apps.fabric.models import Cluster, Host, VirtualSwitch, Volume
from apps.library import usage
from apps.library.models import ShieldingData, TemplateDisk, Upload
from apps.vms import placements
from apps.vms.placements import Demand, Placement


@dataclass(frozen=True)
class Plan:
    """A virtual machine as somebody wants it; sizes in bytes."""

    name: str
    cluster: Cluster
    volume: Volume
    processors: int
    memory_bytes: int
    host: Host | None = None
    virtual_switch: VirtualSwitch | None = None
    template_disk: TemplateDisk | None = None
    disk_size_bytes: int | None = None
    shielding_data: ShieldingData | None = None
    iso: Upload | None = None
    specialization: Mapping[str, Any] = field(default_factory=dict)
    tenant: Tenant | None = None
    start: bool = True

    @property
    def guarded(self) -> bool:
        return self.shielding_data is not None

    @property
    def owner(self) -> Tenant | None:
        """Whose it is to be: who is named, else whose files it is made of."""
        if self.tenant is not None:
            return self.tenant
        item = self.shielding_data or self.template_disk or self.iso
        return item.tenant if item is not None else None

    def hold(self) -> None:
        """Its files can't be deleted before the transaction's end. Raises Conflict."""
        items = (self.template_disk, self.shielding_data, self.iso)
        usage.hold(*(item for item in items if item is not None))

    @property
    def demand(self) -> Demand:
        """What it asks of a host. Memory is needed by what is started, and by provisioning."""
        switch = self.virtual_switch
        return Demand(
            memory_bytes=self.memory_bytes if self.start or self.guarded else 0,
            guarded=self.guarded,
            switches=frozenset({switch.name} if switch else ()),
            guardian_services=self._guardian_services(),
        )

    def _guardian_services(self) -> frozenset[UUID] | None:
        """Services that the shielding data lets release the key. None where the portal knows none
        of its guardians: then Windows alone can tell.
        """
        guardians = self.shielding_data.guardians if self.shielding_data else []
        prints = [one for guardian in guardians for one in guardian["thumbprints"]]
        found = {attestation.guardian_by_thumbprint(one) for one in prints} - {None}
        return frozenset(service.pk for service in found if service) or None

    def placements(self) -> list[Placement]:
        """Every host of the cluster, allowed or not."""
        return placements.for_deployment(self.cluster, self.demand)

    def chosen(self, places: list[Placement]) -> Placement | None:
        """The host that was named, else the allowed one with most memory to spare."""
        if self.host is not None:
            return next((place for place in places if place.host.pk == self.host.pk), None)
        allowed = [place for place in places if place.allowed]
        return max(allowed, key=lambda one: one.host.memory_available_bytes or 0, default=None)

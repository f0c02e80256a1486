"""Which host looks into files, and where on its cluster they are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from apps.fabric.choices import HostState
from apps.fabric.extensions import host_extras
from apps.fabric.models import Cluster, Host, Volume
from apps.library.models import StagedFile

#: What a volume keeps free beside the file.
SPARE_BYTES = 1 << 30
FOLDER = "FabricPortal\\library"


@dataclass(frozen=True)
class Place:
    """A host that can look into a file, and the volume that has it or has room for it."""

    host: Host
    volume: Volume

    def path(self, name: str) -> str:
        """The host's path of a file of the library by its name there."""
        return path_on(self.volume, name)


def path_on(volume: Volume, name: str) -> str:
    """A host's path of a file of the library on a cluster's volume."""
    return "\\".join((volume.path.rstrip("\\"), FOLDER, name))


def choose(
    *, size_bytes: int, sha256: str = "", attempt: int = 0, cluster: Cluster | None = None
) -> Place | None:
    """A place for a file, or None while no host is up that has one.

    Places that hold the file already come first, then attested hosts, then roomy volumes. After a
    failure the next of them is taken.
    """
    found = list(_places(size_bytes, sha256, cluster))
    return found[attempt % len(found)] if found else None


def _places(size_bytes: int, sha256: str, cluster: Cluster | None) -> Iterator[Place]:
    hosts = Host.objects.filter(state=HostState.UP, failing_since=None).exclude(observed_at=None)
    if cluster is not None:
        hosts = hosts.filter(cluster=cluster)
    having = set(StagedFile.objects.filter(sha256=sha256).values_list("volume_id", flat=True))
    volumes: dict[UUID, list[Volume]] = {}
    for volume in Volume.objects.filter(
        Q(free_bytes__gt=size_bytes + SPARE_BYTES) | Q(pk__in=having)
    ).exclude(path=""):
        volumes.setdefault(volume.cluster_id, []).append(volume)
    found = list(hosts.select_related("cluster"))
    attested = _attested(found)
    ranked = [
        ((volume.pk not in having, host.pk not in attested, -(volume.free_bytes or 0), host.name),
         host, volume)
        for host in found
        for volume in volumes.get(host.cluster_id, ())
    ]  # fmt: skip
    for _, host, volume in sorted(ranked, key=lambda one: one[0]):
        yield Place(host, volume)


def _attested(hosts: list[Host]) -> set[UUID]:
    """Hosts that proved themselves: they surely have what reads shielding data."""
    told = host_extras([host.pk for host in hosts]).get("attestation", {})
    return {key for key, one in told.items() if one and _status(one) == "Passed"}


def _status(told: Any) -> str:
    return str(told.get("status") if isinstance(told, dict) else getattr(told, "status", ""))


def still(parameters: Mapping[str, Any]) -> Place | None:
    """The place that an operation was asked with, if its host is up yet and its volume is there."""
    host = (
        Host.objects.select_related("cluster")
        .filter(pk=parameters["host"], state=HostState.UP, failing_since=None)
        .first()
    )
    volume = Volume.objects.filter(pk=parameters["volume"]).first()
    return Place(host, volume) if host and volume else None

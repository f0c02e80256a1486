"""Who takes part in every reading of a cluster: rooms above this one register here."""

import datetime
from collections.abc import Collection, Mapping
from typing import Any, Protocol
from uuid import UUID

from apps.fabric.models import Cluster, Host


class Observer(Protocol):
    """Is told of each host, then of the whole cluster, once the fabric's own rows are written."""

    def host_read(
        self, host: Host, reading: Mapping[str, Any], observed_at: datetime.datetime
    ) -> None:
        """`reading` is the document of Get-HostInventory; `observed_at` when it was asked for."""

    def host_missed(self, host: Host, reason: str, at: datetime.datetime) -> None:
        """A host that should have told something, and why it did not."""

    def cluster_read(
        self,
        cluster: Cluster,
        reading: Mapping[str, Any],
        observed_at: datetime.datetime,
        hosts_read: Collection[UUID],
    ) -> None:
        """`reading` is the document of Get-ClusterInventory; it was asked for before the hosts."""


_observers: list[Observer] = []


def register(observer: Observer) -> None:
    _observers.append(observer)


def registered() -> tuple[Observer, ...]:
    return tuple(_observers)

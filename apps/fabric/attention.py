"""What needs somebody, worst first: each with its reason and its next step.

Rooms above add what they know of by `register`.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.urls import reverse

from apps.fabric.choices import FaultSeverity, HostState
from apps.fabric.models import Cluster, HealthFault, Host

Level = Literal["bad", "warn", "info"]
WORDS = {"bad": "Critical", "warn": "Warning", "info": "Minor"}
_ORDER = {"bad": 0, "warn": 1, "info": 2}
_FAULT_LEVELS: dict[str, Level] = {
    FaultSeverity.CRITICAL: "bad",
    FaultSeverity.WARNING: "warn",
    FaultSeverity.INFORMATION: "info",
}


@dataclass(frozen=True)
class Attention:
    """`at` is since when, or when it was read; `cluster_id` where it belongs to one."""

    level: Level
    title: str
    text: str
    href: str
    action: str
    at: datetime.datetime | None = None
    cluster_id: UUID | None = None

    @property
    def word(self) -> str:
        return WORDS[self.level]


Provider = Callable[[Any], Iterable[Attention]]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """`provider` takes the person and gives what that person may know of."""
    _providers.append(provider)


def for_user(user: Any, cluster: Cluster | None = None) -> list[Attention]:
    found = [*_clusters(user), *_hosts(user), *_faults(user)]
    for provider in _providers:
        found += provider(user)
    if cluster is not None:
        found = [one for one in found if one.cluster_id == cluster.pk]
    return sorted(found, key=lambda one: (_ORDER[one.level], one.title))


def _clusters(user: Any) -> Iterator[Attention]:
    for cluster in Cluster.objects.restrict(user).exclude(problem=""):
        yield Attention(
            "bad", f"{cluster.name} doesn’t answer", cluster.problem,
            reverse("fabric:cluster", args=[cluster.pk]), "See cluster",
            cluster.failing_since, cluster.pk,
        )  # fmt: skip


def _hosts(user: Any) -> Iterator[Attention]:
    rows = Host.objects.restrict(user).exclude(problem="").filter(cluster__problem="")
    for host in rows:
        down = host.state == HostState.DOWN
        yield Attention(
            "bad" if down else "warn",
            f"{host.name} is down" if down else f"{host.name} doesn’t answer",
            host.problem, reverse("fabric:host", args=[host.pk]), "See host",
            host.failing_since, host.cluster_id,
        )  # fmt: skip


def _faults(user: Any) -> Iterator[Attention]:
    for fault in HealthFault.objects.restrict(user).select_related("cluster"):
        advice = " ".join(fault.actions)
        yield Attention(
            _FAULT_LEVELS.get(fault.severity, "warn"), fault.reason or fault.type,
            f"{fault.faulting_object} {fault.location}. {advice}".strip(),
            reverse("fabric:cluster", args=[fault.cluster_id]), f"See {fault.cluster.name}",
            fault.raised_at, fault.cluster_id,
        )  # fmt: skip

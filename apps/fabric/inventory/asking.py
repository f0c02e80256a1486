"""Asks a cluster and its hosts. No database in here: hosts are asked from several threads."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils import timezone

from apps import remoting
from apps.fabric import documents
from apps.remoting import Endpoint, scripts
from apps.remoting.errors import RemotingError, TimedOut, Unreachable

CLUSTER_SECONDS = 20
#: A host that isn't the cluster's address is asked in its place, but not for long.
STAND_IN_SECONDS = 10
HOST_SECONDS = 25
#: Hosts that a process asks at the same time, whatever number of clusters it reads.
MOST_AT_ONCE = 64

OnProgress = Callable[[int, str], None]


@cache
def _askers() -> ThreadPoolExecutor:
    """One pool a process: threads that wait for hosts cost little, but not nothing."""
    return ThreadPoolExecutor(MOST_AT_ONCE, "inventory")


@dataclass(frozen=True)
class Told:
    """What one address answered, or why it didn't; `asked_at` is before the question."""

    asked_at: datetime.datetime
    document: Mapping[str, Any] | None = None
    error: RemotingError | None = None


def ask_cluster(endpoint: Endpoint, stand_ins: Sequence[Endpoint] = ()) -> Told:
    """The cluster's inventory by its own address, or by a node's when that doesn't answer."""
    told = _ask(endpoint, "Get-ClusterInventory", documents.cluster_document, CLUSTER_SECONDS)
    if not isinstance(told.error, Unreachable | TimedOut):
        return told
    for stand_in in stand_ins[:1]:
        second = _ask(
            stand_in, "Get-ClusterInventory", documents.cluster_document, STAND_IN_SECONDS
        )
        if second.error is None:
            return second
    return told


def ask_hosts(endpoints: Mapping[str, Endpoint], on_progress: OnProgress) -> dict[str, Told]:
    """Every host's inventory by the same keys, asked all at once."""
    answers: dict[str, Told] = {}
    asked = {
        _askers().submit(
            _ask, endpoint, "Get-HostInventory", documents.host_document, HOST_SECONDS
        ): key
        for key, endpoint in endpoints.items()
    }
    for number, future in enumerate(as_completed(asked), start=1):
        answers[asked[future]] = future.result()
        on_progress(20 + 70 * number // len(asked), f"{number} of {len(asked)} hosts answered")
    return answers


def _ask(
    endpoint: Endpoint, script: str, check: Callable[[Any], Mapping[str, Any]], seconds: float
) -> Told:
    asked_at = timezone.now()
    try:
        document = check(remoting.call(endpoint, scripts.load("fabric", script), timeout=seconds))
    except RemotingError as error:
        return Told(asked_at, error=error)
    return Told(asked_at, document=document)

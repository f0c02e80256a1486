"""One reading of a cluster, from the question to the rows."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.fabric import documents, observers, selectors
from apps.fabric.choices import HostState
from apps.fabric.credentials import EnvelopeError
from apps.fabric.inventory import applying
from apps.fabric.inventory.asking import OnProgress, Told, ask_cluster, ask_hosts
from apps.fabric.models import Cluster, Host
from apps.operations import nudges
from apps.remoting import Endpoint
from apps.remoting.errors import RemotingError


@dataclass(frozen=True)
class Reading:
    """How a reading went: hosts by name, virtual machines as a count."""

    observed_at: datetime.datetime
    hosts_read: tuple[str, ...] = ()
    hosts_missed: Mapping[str, str] = field(default_factory=dict)
    virtual_machines: int = 0

    def as_result(self) -> dict[str, Any]:
        """The result of an operation."""
        return {
            "hosts_read": len(self.hosts_read),
            "hosts_missed": dict(self.hosts_missed),
            "virtual_machines": self.virtual_machines,
        }


def _ignore(percent: int, message: str) -> None:
    """For callers that show no progress."""


def read_cluster(cluster: Cluster, *, on_progress: OnProgress = _ignore) -> Reading:
    """Asks a cluster and each of its hosts, and writes what they told.

    A host that fails doesn't fail the reading: its row says since when and why. Raises
    RemotingError when the cluster itself doesn't answer; its rows then say so too. Hold the
    cluster's lock around it (`locks.reading`).
    """
    told = _ask_cluster(cluster)
    if told.error is not None:
        miss_cluster(cluster, told.error.message, told.asked_at)
        raise told.error
    on_progress(20, "The cluster answered")
    assert told.document is not None  # noqa: S101  an answer without an error has a document
    answers = ask_hosts(_endpoints(cluster, told.document), on_progress)
    on_progress(92, "Writing down what they told")
    return _write(cluster, told.document, told.asked_at, answers)


def _ask_cluster(cluster: Cluster) -> Told:
    try:
        stand_ins = [
            selectors.endpoint_for_host(host)
            for host in cluster.hosts.select_related("cluster")
            if host.state == HostState.UP and host.address != cluster.address
        ]
        return ask_cluster(selectors.endpoint_for_cluster(cluster), stand_ins[::-1])
    except EnvelopeError as error:
        problem = RemotingError(
            str(error), code="credential", hint="Enter the cluster’s password anew."
        )
        return Told(timezone.now(), error=problem)


def _endpoints(cluster: Cluster, document: Mapping[str, Any]) -> dict[str, Endpoint]:
    """Where each node that may answer is asked, by its name."""
    found = {}
    for node in document["nodes"]:
        fields = documents.node_fields(node)
        if fields["name"] and fields["state"] != HostState.DOWN:
            row = Host(cluster=cluster, **fields)
            found[fields["name"]] = selectors.endpoint_for_host(row)
    return found


def _write(
    cluster: Cluster,
    document: Mapping[str, Any],
    asked_at: datetime.datetime,
    answers: Mapping[str, Told],
) -> Reading:
    with transaction.atomic():
        hosts = applying.apply(cluster, document, asked_at, answers)
    missed = {}
    machines = 0
    for host in hosts:
        told = answers.get(host.name)
        if told is not None and told.document is not None:
            machines += len(told.document["vms"])
            for observer in observers.registered():
                observer.host_read(host, told.document, told.asked_at)
        else:
            missed[host.name] = host.problem
            for observer in observers.registered():
                observer.host_missed(host, host.problem, told.asked_at if told else asked_at)
    read = [host for host in hosts if host.name not in missed]
    for observer in observers.registered():
        observer.cluster_read(cluster, document, asked_at, {host.pk for host in read})
    return Reading(asked_at, tuple(host.name for host in read), missed, machines)


def miss_cluster(cluster: Cluster, reason: str, at: datetime.datetime) -> None:
    """Nothing of the cluster could be read: its rows grow stale, then unknown, and say why."""
    with transaction.atomic():
        changed = cluster.problem != reason
        cluster.problem, cluster.failing_since = reason, cluster.failing_since or at
        cluster.save(update_fields=["problem", "failing_since"])
        hosts = applying.miss_hosts(cluster, f"Its cluster doesn’t answer: {reason}", at)
        if changed:
            nudges.publish("cluster", cluster.pk)
    for host in hosts:
        for observer in observers.registered():
            observer.host_missed(host, host.problem, at)

"""Rows from the documents of a reading: one short transaction, the same few queries for any size.

Only what changed is written, besides when it was seen.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model

from apps.fabric import documents
from apps.fabric.choices import HostState
from apps.fabric.inventory.asking import Told
from apps.fabric.models import Cluster, HealthFault, Host, VirtualSwitch, Volume
from apps.operations import nudges

Row = TypeVar("Row", bound=Model)
HOST_FIELDS = (
    "name", "fqdn", "address", "state", "drain", "processors", "memory_bytes",
    "memory_available_bytes", "os_name", "os_version", "booted_at", "problem",
)  # fmt: skip


def apply(
    cluster: Cluster,
    document: Mapping[str, Any],
    asked_at: datetime.datetime,
    answers: Mapping[str, Told],
) -> list[Host]:
    """Writes the fabric's own rows; the hosts of the cluster as they are now."""
    before = (cluster.problem, cluster.domain)
    cluster.observed_at, cluster.failing_since, cluster.problem = asked_at, None, ""
    cluster.domain = documents.text(document["cluster"], "domain", 255)
    cluster.save(update_fields=["observed_at", "failing_since", "problem", "domain"])
    hosts, hosts_changed = _hosts(cluster, document["nodes"], asked_at, answers)
    volumes = {row["name"]: row for row in map(documents.volume_fields, document["volumes"])}
    faults = {row["fault_id"]: row for row in map(documents.fault_fields, document["faults"])}
    changed = _replace(cluster, Volume, "name", volumes, asked_at)
    changed |= _replace(cluster, HealthFault, "fault_id", faults, asked_at)
    changed |= _switches(cluster, hosts, answers, asked_at)
    if changed or hosts_changed or before != (cluster.problem, cluster.domain):
        nudges.publish("cluster", cluster.pk)
    return hosts


def miss_hosts(cluster: Cluster, reason: str, at: datetime.datetime) -> list[Host]:
    """Says of every host that it wasn't read, and why. What was long unseen becomes unknown."""
    hosts = list(Host.objects.filter(cluster=cluster).select_related("cluster"))
    for host in hosts:
        before = (host.state, host.problem)
        host.failing_since, host.problem = host.failing_since or at, reason
        if host.freshness == "unknown":
            host.state = HostState.UNKNOWN
        if before != (host.state, host.problem):
            nudges.publish("host", host.pk)
    Host.objects.bulk_update(hosts, ["failing_since", "problem", "state"])
    return hosts


def _hosts(
    cluster: Cluster,
    nodes: Iterable[Mapping[str, Any]],
    asked_at: datetime.datetime,
    answers: Mapping[str, Told],
) -> tuple[list[Host], bool]:
    known = {host.name.casefold(): host for host in Host.objects.filter(cluster=cluster)}
    new: list[Host] = []
    kept: list[Host] = []
    changed: list[Host] = []
    for fields in map(documents.node_fields, nodes):
        host = known.pop(fields["name"].casefold(), None)
        (kept if host else new).append(host := host or Host(cluster=cluster))
        host.cluster = cluster
        before = _values(host, HOST_FIELDS)
        _set(host, fields)
        _hear(host, answers.get(host.name), asked_at)
        if before != _values(host, HOST_FIELDS):
            changed.append(host)
    Host.objects.filter(pk__in=[host.pk for host in known.values()]).delete()
    Host.objects.bulk_create(new)
    Host.objects.bulk_update(kept, [*HOST_FIELDS, "observed_at", "failing_since"])
    for host in [*changed, *known.values()]:
        nudges.publish("host", host.pk)
    return [*kept, *new], bool(changed or known)


def _hear(host: Host, told: Told | None, asked_at: datetime.datetime) -> None:
    """What a host said of itself, or why it said nothing."""
    if told is not None and told.document is not None:
        _set(host, documents.host_fields(told.document["host"]))
        host.booted_at = documents.booted_at(told.document["host"], told.asked_at)
        host.observed_at, host.failing_since, host.problem = told.asked_at, None, ""
        return
    at = told.asked_at if told else asked_at
    host.failing_since = host.failing_since or at
    if told is not None and told.error is not None:
        host.problem = told.error.message
    else:
        since = f"{host.failing_since:%d %B %Y, %H:%M} UTC"
        host.problem = (
            f"The cluster reports it down (first seen {since}): it is powered off, restarting, "
            "or cut off from the cluster’s network."
        )


def _replace(
    cluster: Cluster,
    model: type[Row],
    key: str,
    told: Mapping[str, Mapping[str, Any]],
    asked_at: datetime.datetime,
) -> bool:
    """Makes a cluster's rows of a kind those that were told; whether anything changed."""
    known = {getattr(row, key): row for row in model._default_manager.filter(cluster=cluster)}
    new, changed = [], []
    for name, fields in told.items():
        row = known.pop(name, None)
        if row is None:
            new.append(model(cluster=cluster, observed_at=asked_at, **fields))
        elif _values(row, fields) != tuple(fields.values()):
            _set(row, fields)
            changed.append(row)
    rows = model._default_manager
    rows.filter(pk__in=[row.pk for row in known.values()]).delete()
    rows.filter(cluster=cluster).update(observed_at=asked_at, failing_since=None, problem="")
    rows.bulk_create(new)
    if changed:
        rows.bulk_update(changed, next(iter(told.values())).keys())
    return bool(new or changed or known)


def _switches(
    cluster: Cluster,
    hosts: Sequence[Host],
    answers: Mapping[str, Told],
    asked_at: datetime.datetime,
) -> bool:
    """One row a name; a host that wasn't read keeps the switches that it last told of."""
    known = {row.name: row for row in VirtualSwitch.objects.filter(cluster=cluster)}
    links = set(
        VirtualSwitch.hosts.through.objects.filter(virtualswitch__cluster=cluster).values_list(
            "virtualswitch__name", "host_id"
        )
    )
    told: dict[str, str] = {}
    wanted = set()
    for host in hosts:
        answer = answers.get(host.name)
        if answer is None or answer.document is None:
            wanted |= {link for link in links if link[1] == host.pk}
            continue
        for switch in answer.document["switches"]:
            name = documents.text(switch, "name", 255)
            told[name] = documents.text(switch, "type", 16).lower()
            wanted.add((name, host.pk))
    names = {name for name, _ in wanted}
    fields = {
        name: {"name": name, "type": told.get(name, known[name].type if name in known else "")}
        for name in sorted(names)
    }
    changed = _replace(cluster, VirtualSwitch, "name", fields, asked_at)
    return _relink(cluster, links, wanted) or changed


def _relink(cluster: Cluster, links: set[tuple[str, UUID]], wanted: set[tuple[str, UUID]]) -> bool:
    through = VirtualSwitch.hosts.through
    ids = dict(VirtualSwitch.objects.filter(cluster=cluster).values_list("name", "pk"))
    through.objects.bulk_create(
        [through(virtualswitch_id=ids[name], host_id=host) for name, host in wanted - links],
        ignore_conflicts=True,
    )
    for name, host in links - wanted:
        if name in ids:
            through.objects.filter(virtualswitch_id=ids[name], host_id=host).delete()
    return links != wanted


def _set(row: Model, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        setattr(row, name, value)


def _values(row: Model, names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)

"""The two inventories: they come, pass the portal's own checks, and leave nothing out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.fabric import documents
from apps.fabric.choices import WINDOWS_DRAIN_STATES, WINDOWS_HOST_STATES, WINDOWS_SEVERITIES
from apps.fabric.host_checks.trial import Trial
from apps.fabric.inventory.asking import CLUSTER_SECONDS, HOST_SECONDS

_MOST = 5  # gaps that are told by name


def check(trial: Trial) -> None:
    documents_of: dict[str, Mapping[str, Any]] = {}

    def host() -> None:
        told = documents.host_document(trial.call("fabric", "Get-HostInventory", HOST_SECONDS))
        documents_of["host"] = told
        gaps = list(host_gaps(told))
        words = f"{len(told['vms'])} machines, {len(told['switches'])} switches"
        trial.results.tell("host-inventory", not gaps, _told(gaps) or words)

    def cluster() -> None:
        told = documents.cluster_document(
            trial.call("fabric", "Get-ClusterInventory", CLUSTER_SECONDS)
        )
        documents_of["cluster"] = told
        gaps = list(cluster_gaps(told))
        words = f"{len(told['nodes'])} nodes, {len(told['groups'])} roles"
        trial.results.tell("cluster-inventory", not gaps, _told(gaps) or words)

    trial.results.attempt(("host-inventory",), host)
    trial.results.attempt(("cluster-inventory",), cluster)
    if len(documents_of) == 2:
        gaps = list(strange_words(documents_of["host"], documents_of["cluster"]))
        trial.results.tell("enum-words", not gaps, _told(gaps) or "names all of them")


def host_gaps(told: Mapping[str, Any]) -> Iterator[str]:
    """What a host's document leaves open that the portal shows."""
    fields = documents.host_fields(told["host"])
    yield from (f"the host's {name}" for name, value in fields.items() if value in (None, ""))
    for vm in told["vms"]:
        if not vm.get("vm_id"):
            yield f"the id of {vm.get('name')}"
        if vm.get("protection") == "Unknown":
            yield f"the protection of {vm.get('name')}"
    if told.get("attestation") is None:
        yield f"the attestation: {told.get('attestation_problem')}"


def cluster_gaps(told: Mapping[str, Any]) -> Iterator[str]:
    for node in told["nodes"]:
        fields = documents.node_fields(node)
        yield from (f"{name} of node {fields['name']}" for name, value in fields.items()
                    if value in (None, ""))  # fmt: skip
    for volume in told["volumes"]:
        fields = documents.volume_fields(volume)
        yield from (f"{name} of volume {fields['name']}" for name, value in fields.items()
                    if value in (None, ""))  # fmt: skip
    yield from (f"the machine of role {row.get('name')}" for row in told.get("groups", ())
                if not row.get("vm_id"))  # fmt: skip
    yield from (f"when fault {row.get('id')} was raised" for row in told["faults"]
                if documents.moment(row, "time") is None)  # fmt: skip


def strange_words(host: Mapping[str, Any], cluster: Mapping[str, Any]) -> Iterator[str]:
    """Values that are numbers where Windows has a name, and names that the portal doesn't know."""
    attestation = host.get("attestation") or {}
    words: list[tuple[str, Any, Iterable[str] | None]] = [
        *((f"state of {vm.get('name')}", vm.get("state"), None) for vm in host["vms"]),
        *((f"type of switch {row.get('name')}", row.get("type"), None) for row in host["switches"]),
        *((f"attestation {key}", attestation[key], None)
          for key in ("mode", "operation_mode", "status") if attestation),
        *(("attestation sub-status", one, None) for one in attestation.get("sub_status") or ()),
        *((f"state of node {row.get('name')}", row.get("state"), WINDOWS_HOST_STATES)
          for row in cluster["nodes"]),
        *((f"drain of node {row.get('name')}", row.get("drain"), WINDOWS_DRAIN_STATES)
          for row in cluster["nodes"]),
        *((f"state of role {row.get('name')}", row.get("state"), None)
          for row in cluster.get("groups", ())),
        *((f"state of volume {row.get('name')}", row.get("state"), None)
          for row in cluster["volumes"]),
        *((f"severity of fault {row.get('id')}", row.get("severity"), WINDOWS_SEVERITIES)
          for row in cluster["faults"]),
    ]  # fmt: skip
    for what, value, known in words:
        word = str(value or "")
        if not word or word.lstrip("-").isdigit() or (known is not None and word not in known):
            yield f"{what} is “{word}”"


def _told(gaps: list[str]) -> str:
    more = f" and {len(gaps) - _MOST} more" if len(gaps) > _MOST else ""
    return ", ".join(gaps[:_MOST]) + more

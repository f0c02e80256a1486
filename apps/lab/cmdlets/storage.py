"""Storage: the health service's faults."""

from __future__ import annotations

from typing import Any

from apps.lab.cmdlets import cmdlet
from apps.lab.cmdlets.objects import matches, moment
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.world import Cluster, HealthFault
from apps.lab.world.build import stable_id

NUMBERS = {"Information": 4, "Warning": 5, "Critical": 6}
FULL = 0.8  # share of a volume's size at which the health service warns


@cmdlet("Get-StorageSubSystem")
def get_storage_sub_system(session: Session, parameters: Parameters) -> list[Any]:
    with session.world.locked():
        cluster = session.cluster
        name = f"Clustered Windows Storage on {cluster.name}"
        if not matches(name, parameters.text("FriendlyName", "*")):
            return []
        faults = health_faults(cluster)
        worst = "Unhealthy" if any(f.severity == "Critical" for f in faults) else "Healthy"
        return [
            {
                "FriendlyName": name,
                "UniqueId": stable_id("storage", cluster.name),
                "HealthStatus": worst if worst != "Healthy" or not faults else "Warning",
            }
        ]


@cmdlet("Debug-StorageSubSystem")
def debug_storage_sub_system(session: Session, parameters: Parameters) -> list[Any]:
    """MSFT_StorageDiagnoseResult: the faults that hold now."""
    with session.world.locked():
        return [_fault(row) for row in health_faults(session.cluster)]


def _fault(row: HealthFault) -> dict[str, Any]:
    return {
        "FaultId": row.id,
        "FaultType": row.type,
        "PerceivedSeverity": NUMBERS[row.severity],
        "Reason": row.reason,
        "FaultingObjectDescription": row.object,
        "FaultingObjectLocation": row.location,
        "RecommendedActions": list(row.actions),
        "EventTime": moment(row.time),
    }


def health_faults(cluster: Cluster) -> list[HealthFault]:
    """Those of the definition, hosts that are down, volumes that are filling up."""
    rows = list(cluster.faults)
    prefix = "Microsoft.Health.FaultType"
    for node in cluster.nodes:
        if node.power != "on":
            rows.append(
                HealthFault(
                    stable_id("down", node.name), f"{prefix}.Server.Down", "Critical",
                    "The server cannot be reached.", node.name, node.name,
                    ["Start or replace the server."], node.booted_at,
                )
            )  # fmt: skip
    for volume in cluster.volumes:
        if volume.used_bytes > FULL * volume.size_bytes:
            rows.append(
                HealthFault(
                    stable_id("full", cluster.name, volume.name), f"{prefix}.Volume.Capacity",
                    "Warning", "The volume is running out of available space.", volume.name,
                    cluster.name, ["Expand the volume.", "Move virtual machines to other volumes."],
                    cluster.nodes[0].booted_at,
                )
            )  # fmt: skip
    return rows

"""What the inventory scripts answer, checked before it becomes rows.

A host's word is input like any other: a document of another shape is a BadReply, and text that
is too long for its column is cut.
"""

import datetime
import ipaddress
from collections.abc import Mapping
from typing import Any

from apps.fabric.choices import (
    WINDOWS_DRAIN_STATES,
    WINDOWS_HOST_STATES,
    WINDOWS_SEVERITIES,
    DrainState,
    FaultSeverity,
    HostState,
)
from apps.remoting.errors import BadReply

Document = Mapping[str, Any]
CLOCK_TOLERANCE = datetime.timedelta(minutes=2)


def cluster_document(told: Any) -> Document:
    """The document of Get-ClusterInventory. Raises BadReply."""
    _require(told, {"cluster": Mapping, "nodes": list, "volumes": list, "faults": list})
    if not told["nodes"]:
        raise _bad("it names no node")
    return told


def host_document(told: Any) -> Document:
    """The document of Get-HostInventory. Raises BadReply."""
    _require(told, {"host": Mapping, "switches": list, "vms": list})
    return told


def node_fields(node: Document) -> dict[str, Any]:
    """Columns of a host as its cluster tells them."""
    return {
        "name": text(node, "name", 64),
        "fqdn": text(node, "fqdn", 255),
        "address": _address(node),
        "state": WINDOWS_HOST_STATES.get(str(node.get("state")), HostState.UNKNOWN),
        "drain": WINDOWS_DRAIN_STATES.get(str(node.get("drain")), DrainState.NOT_INITIATED),
    }


def host_fields(host: Document) -> dict[str, Any]:
    """Columns of a host as it tells them itself."""
    return {
        "processors": whole(host, "processors"),
        "memory_bytes": whole(host, "memory_bytes"),
        "memory_available_bytes": whole(host, "memory_available_bytes"),
        "os_name": text(host, "os", 128),
        "os_version": text(host, "os_version", 64),
        "booted_at": moment(host, "booted_at"),
    }


def booted_at(host: Document, asked_at: datetime.datetime) -> datetime.datetime | None:
    """When a host was started, by our clock: its own may be hours off, and it tells both by it.

    A difference of seconds is the way and the drift, and isn't put right: the start would move with
    every reading.
    """
    booted, now = moment(host, "booted_at"), moment(host, "time")
    if booted is None or now is None or abs(asked_at - now) < CLOCK_TOLERANCE:
        return booted
    return booted + datetime.timedelta(minutes=round((asked_at - now).total_seconds() / 60))


def volume_fields(volume: Document) -> dict[str, Any]:
    return {
        "name": text(volume, "name", 255),
        "path": text(volume, "path", 1024),
        "state": text(volume, "state", 64).lower(),
        "file_system": text(volume, "file_system", 32),
        "owner_node": text(volume, "owner_node", 64),
        "size_bytes": whole(volume, "size_bytes"),
        "free_bytes": whole(volume, "free_bytes"),
    }


def fault_fields(fault: Document) -> dict[str, Any]:
    return {
        "fault_id": text(fault, "id", 255),
        "type": text(fault, "type", 255),
        "severity": WINDOWS_SEVERITIES.get(str(fault.get("severity")), FaultSeverity.WARNING),
        "reason": text(fault, "reason", 4000),
        "faulting_object": text(fault, "object", 512),
        "location": text(fault, "location", 512),
        "actions": [str(action) for action in fault.get("actions") or ()],
        "raised_at": moment(fault, "time"),
    }


def text(part: Document, name: str, longest: int) -> str:
    return str(part.get(name) or "")[:longest].replace("\x00", "")


def whole(part: Document, name: str) -> int | None:
    """A count or a size in bytes; None where the host doesn't say one."""
    value = part.get(name)
    return value if type(value) is int and 0 <= value < 2**63 else None


def moment(part: Document, name: str) -> datetime.datetime | None:
    try:
        told = datetime.datetime.fromisoformat(str(part.get(name) or ""))
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=datetime.UTC)


def _address(node: Document) -> str:
    """The first address that can be spoken to: IPv4 goes before IPv6, link-local ones are none."""
    found = []
    for told in node.get("addresses") or ():
        try:
            address = ipaddress.ip_address(str(told))
        except ValueError:
            continue
        if not address.is_link_local:
            found.append(address)
    return str(min(found, key=lambda address: address.version)) if found else ""


def _require(told: Any, parts: Mapping[str, type]) -> None:
    if not isinstance(told, Mapping):
        raise _bad("it is no object")
    for name, kind in parts.items():
        if not isinstance(told.get(name), kind):
            raise _bad(f"“{name}” is missing or of another kind")
        if kind is list and not all(isinstance(row, Mapping) for row in told[name]):
            raise _bad(f"a row of “{name}” is no object")


def _bad(what: str) -> BadReply:
    return BadReply(
        f"The answer isn’t an inventory: {what}.",
        hint="Look at what PowerShell’s profile or security software prints on that host.",
    )

"""The control address: a test's eye on the world, and its hand. JSON over HTTP, loopback only.

GET /state · POST /hosts/{name} · POST /guardian-services/{name} · POST /vms/{name} ·
DELETE /vms/{name} · POST /volumes/{name} · GET /holds · POST /holds/{script} ·
POST /reset. Names are URL-encoded; a VM may be named by its id, a volume as cluster/volume.
Errors: {"error": "…"} with 400 (a bad body), 404 (no such row), 409 (a name that two rows have).
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any
from urllib.parse import unquote, urlsplit

from apps.lab import web
from apps.lab.world import (
    GIB,
    VM,
    Cluster,
    DefinitionError,
    Node,
    Volume,
    WireFault,
    World,
    changes,
)
from apps.lab.world.build import verdict
from apps.lab.world.definition import Place
from apps.lab.world.faults import WHEN, fault, wire_fault
from apps.lab.world.holds import RELEASES
from apps.lab.world.model import PROTECTIONS, STATES
from apps.lab.wsman.doors import SETTINGS, Doors

LARGEST_BODY = 4 << 20


class Refused(Exception):
    """A call that can't be done, with its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


# ---- reading
def state(world: World) -> dict[str, Any]:
    """The world as it really is."""
    with world.locked():
        return {
            "guardian_services": [_guardian(world, row.name) for row in world.guardians],
            "clusters": [_cluster(row) for row in world.clusters],
            "calls": {
                "requests": world.requests,
                "scripts": dict(world.script_calls),
                "cmdlets": dict(world.cmdlet_calls),
            },
        }


def _guardian(world: World, name: str) -> dict[str, Any]:
    row = world.guardian(name)
    hosts = {n.name: n.attestation.status for _, n in world.nodes() if n.guardian == name}
    return {"name": name, "mode": row.mode if row else "", "hosts": hosts}


def _cluster(cluster: Cluster) -> dict[str, Any]:
    return {
        "name": cluster.name,
        "nodes": [_node(node) for node in cluster.nodes],
        "volumes": [_volume(volume) for volume in cluster.volumes],
        "switches": [{"name": switch.name} for switch in cluster.switches],
        "vms": [_vm(vm) for vm in cluster.vms],
    }


def _node(node: Node) -> dict[str, Any]:
    memory = node.memory_bytes / GIB
    return {
        "name": node.name,
        "power": node.power,
        "paused": node.paused,
        "attestation": {
            "status": node.attestation.status,
            "sub_status": list(node.attestation.sub_status),
        },
        "memory_gib": int(memory) if memory.is_integer() else memory,
    }


def _volume(volume: Volume) -> dict[str, Any]:
    return {
        "name": volume.name,
        "size_bytes": volume.size_bytes,
        "used_bytes": volume.used_bytes,
        "files": [
            {"path": path, "size_bytes": file.size_bytes, "sha256": file.sha256}
            for path, file in sorted(volume.files.items())
        ],
    }


def _vm(vm: VM) -> dict[str, Any]:
    return {
        "name": vm.name,
        "id": vm.id,
        "node": vm.node,
        "state": vm.state,
        "protection": vm.protection,
        "clustered": vm.clustered,
        "dvds": list(vm.dvds),
        "boots_from": vm.boots_from,
        "template_sha256": vm.template_sha256,
        "shielding_data_sha256": vm.shielding_data_sha256,
    }


# ---- changing
def change_host(world: World, name: str, body: Place) -> dict[str, Any]:
    """Any of attestation, power, latency_ms, clock_seconds, faults, wire_faults, lacks (commands),
    winrm_settings; all of them are read before one is done."""
    with world.locked():
        try:
            cluster, node = world.cluster_of(name), world.node(name)
        except LookupError as error:
            raise Refused(404, str(error)) from None
        attestation = body.part("attestation")
        seen = verdict(attestation) if attestation else None
        power = body.word("power", ("on", "off"), node.power)
        latency = body.whole("latency_ms", node.latency_ms)
        clock = _signed(body, "clock_seconds", node.clock_seconds)
        faults = [fault(place) for place in body.rows("faults")] if "faults" in body.value else None
        lacks = body.texts("lacks", node.lacks)
        doors = _settings(body, node.doors)
        spoiled = _wire_faults(body)
        _refuse_strangers(body)
        node.lacks, node.doors = lacks, doors
        if seen:
            node.attestation = seen
        node.latency_ms, node.clock_seconds = latency, clock
        if faults is not None:
            world.set_faults(node, faults)
        _set_power(cluster, node, power)
        world.changed()
        told = _node(node)
    if spoiled is not None:
        world.set_wire_faults(node, spoiled)
    return told


def _wire_faults(body: Place) -> list[WireFault] | None:
    rows = [wire_fault(place) for place in body.rows("wire_faults")]
    return rows if "wire_faults" in body.value else None


def _signed(body: Place, key: str, default: float) -> float:
    """Seconds that may be negative."""
    value = body.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9:
        raise body.fail(key, "a number of seconds is wanted")
    return float(value)


def change_guardian(world: World, name: str, body: Place) -> dict[str, Any]:
    """wire_faults of a guardian service; only those of any request."""
    row = world.guardian(name)
    if row is None:
        raise Refused(404, f"no guardian service is named {name}")
    spoiled = _wire_faults(body)
    _refuse_strangers(body)
    if spoiled is not None:
        world.set_wire_faults(row, spoiled)
    return _guardian(world, name)


def _settings(body: Place, doors: Doors) -> Doors:
    """WinRM's settings, by their names in winrm/config."""
    part = body.part("winrm_settings")
    if part is None:
        return doors
    given: dict[str, Any] = {
        field: part.whole(name, getattr(doors, field)) for name, field in SETTINGS.items()
    }
    _refuse_strangers(part)
    return dataclasses.replace(doors, **given)


def _refuse_strangers(body: Place) -> None:
    """On this address an unknown key is an error: nobody reads warnings here."""
    body.done()
    if body.warnings:
        raise Refused(400, "; ".join(body.warnings))


def _set_power(cluster: Cluster, node: Node, power: str) -> None:
    if power == "off" and node.power == "on":
        changes.lose_host(cluster, node)
    elif power == "on" and node.power == "off":
        changes.regain_host(cluster, node)


def _the_vm(world: World, name: str) -> tuple[Cluster, VM]:
    found = world.vms_named(name)
    if not found:
        raise Refused(404, f"no virtual machine is named {name}")
    if len(found) > 1:
        raise Refused(409, f"{len(found)} virtual machines are named {name}: name one by its id")
    return found[0]


def change_vm(world: World, name: str, body: Place) -> dict[str, Any]:
    """Any of state, node, protection: done at once, whatever the rules say to people."""
    with world.locked():
        cluster, vm = _the_vm(world, name)
        wanted = body.word("state", STATES, vm.state)
        protection = body.word("protection", PROTECTIONS, vm.protection)
        try:
            node = cluster.node(body.text("node", vm.node))
        except LookupError as error:
            raise Refused(400, f"node: {cluster.name} has no node {error}") from None
        _refuse_strangers(body)
        vm.transition = None
        vm.node, vm.protection = node.name, protection
        if wanted == "Off":
            changes.stop_now(vm)
        else:
            changes.set_state(vm, wanted)
        world.changed()
        return _vm(vm)


def remove_vm(world: World, name: str) -> dict[str, Any]:
    """The VM and its disks are gone."""
    with world.locked():
        cluster, vm = _the_vm(world, name)
        cluster.vms.remove(vm)
        for disk in vm.disks:
            volume = world.volume_of(cluster, disk.path)
            if volume:
                volume.files.pop(disk.path, None)
        world.changed()
        return _vm(vm)


def change_volume(world: World, name: str, body: Place) -> dict[str, Any]:
    with world.locked():
        volume = _the_volume(world, name)
        files = sum(file.size_bytes for file in volume.files.values())
        used = int(body.number("used_gib", volume.used_bytes / GIB) * GIB)
        _refuse_strangers(body)
        if used > volume.size_bytes:
            raise Refused(400, f"used_gib: the volume holds {volume.size_bytes / GIB:g} GiB")
        volume.other_bytes = max(0, used - files)
        world.changed()
        return _volume(volume)


def _the_volume(world: World, name: str) -> Volume:
    """By its name, or as cluster/volume where two clusters have one of that name."""
    found = [
        volume
        for cluster in world.clusters
        for volume in cluster.volumes
        if name in (volume.name, f"{cluster.name}/{volume.name}")
    ]
    if not found:
        raise Refused(404, f"no volume is named {name}")
    if len(found) > 1:
        raise Refused(409, f"{len(found)} volumes are named {name}: say cluster/volume")
    return found[0]


def change_hold(world: World, name: str, body: Place) -> dict[str, Any]:
    """Holds the nth run of a script from now on; with `release`, lets what is held there go."""
    released = body.word("release", RELEASES) if body.get("release") else ""
    nth, when = body.whole("nth", 1, 1), body.word("when", WHEN, "before")
    _refuse_strangers(body)
    if released:
        world.holds.release(name, released)
    else:
        world.holds.set(name, nth, when)
    return holds(world)


def holds(world: World) -> dict[str, Any]:
    return {"holds": [dataclasses.asdict(row) for row in world.holds.rows()]}


# ---- HTTP
def answer(world: World, method: str, path: str, content: bytes) -> dict[str, Any]:
    """What a call gives; Refused and DefinitionError say what was wrong with it."""
    noun, _, name = urlsplit(path).path.removeprefix("/").partition("/")
    name = unquote(name)
    if method == "GET" and noun == "state" and not name:
        return state(world)
    if method == "GET" and noun == "holds" and not name:
        return holds(world)
    if method == "POST" and noun == "reset" and not name:
        world.reset()
        return {}
    if method == "DELETE" and noun == "vms" and name:
        return remove_vm(world, name)
    changers = {
        "hosts": change_host, "guardian-services": change_guardian, "vms": change_vm,
        "volumes": change_volume, "holds": change_hold,
    }  # fmt: skip
    if method == "POST" and noun in changers and name:
        return changers[noun](world, name, _body(content))
    raise Refused(404, f"{method} {path}: no such call")


def _body(content: bytes) -> Place:
    try:
        return Place(json.loads(content or b"{}"), "", [])
    except ValueError as error:
        raise Refused(400, f"the body is no JSON: {error}") from None


class _Handler(web.Handler):
    server: ControlServer

    def _serve(self) -> None:
        try:
            status, body = 200, answer(self.server.world, self.command, self.path, self._read())
        except Refused as refused:
            status, body = refused.status, {"error": str(refused)}
        except DefinitionError as error:
            status, body = 400, {"error": str(error)}
        content = json.dumps(body, ensure_ascii=False).encode()
        self.reply(status, "application/json; charset=utf-8", content)

    def _read(self) -> bytes:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            raise Refused(413, "the body is too large")
        return self.rfile.read(int(length))

    do_GET = do_POST = do_DELETE = _serve


class ControlServer(web.Server):
    """Listens from construction on; `start` serves in a thread, `stop` ends it."""

    def __init__(self, world: World, port: int = 0, address: str = "127.0.0.1") -> None:
        self.world = world
        super().__init__(address, port, _Handler, "lab-control")

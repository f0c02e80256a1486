"""From the places of a definition to the rows of a fabric."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from pathlib import Path

from cryptography import x509

from apps.lab.world.faults import fault
from apps.lab.world.model import (
    GIB,
    MODES,
    PROTECTIONS,
    STATES,
    VERDICTS,
    VM,
    Adapter,
    Checkpoint,
    Cluster,
    Disk,
    File,
    Guardian,
    HealthFault,
    Node,
    Switch,
    Verdict,
    Volume,
)
from apps.lab.world.place import DefinitionError, Place
from apps.lab.wsman.doors import CHANNEL_BINDINGS, CertificateMapping, Doors

NAMESPACE = uuid.UUID("6f1d2f5e-2f0b-5b57-9b36-58a9a3a6c0de")
SWITCH_TYPES = ("External", "Internal", "Private")
SEVERITIES = ("Information", "Warning", "Critical")
MOST_NODES, MOST_CLUSTERS, MOST_REPEAT = 199, 240, 20_000
NETWORK = "127.66"  # loopback: hosts are 127.66.<cluster>.<node>


def stable_id(*parts: object) -> str:
    """A GUID that stays the same for the same names."""
    return str(uuid.uuid5(NAMESPACE, "\0".join(map(str, parts))))


def build_guardians(root: Place) -> list[Guardian]:
    rows = []
    for place in root.rows("guardian_services"):
        row = Guardian(
            place.text("name"),
            place.word("mode", MODES, "host-key"),
            place.text("address", f"{place.text('name')}.guardian.local"),
            place.whole("nodes", 3, 1),
        )
        place.done()
        rows.append(row)
    _unique([row.name for row in rows], "guardian_services")
    return rows


def build_clusters(root: Place, domain: str, guardians: list[Guardian]) -> list[Cluster]:
    places = root.rows("clusters")
    if not 0 < len(places) <= MOST_CLUSTERS:
        raise DefinitionError(f"clusters: 1 to {MOST_CLUSTERS} are wanted, {len(places)} are given")
    rows = [_cluster(place, i + 1, domain, guardians) for i, place in enumerate(places)]
    _unique([row.name for row in rows], "clusters")
    _unique([node.name for row in rows for node in row.nodes], "nodes of all clusters")
    return rows


def _unique(names: list[str], where: str) -> None:
    twice = [name for name, n in Counter(name.casefold() for name in names).items() if n > 1]
    if twice:
        raise DefinitionError(f"{where}: the name {twice[0]!r} is used twice")


def _cluster(place: Place, number: int, domain: str, guardians: list[Guardian]) -> Cluster:
    name = place.text("name")
    guardian = place.get("guardian", "")
    service = next((g for g in guardians if g.name == guardian), None)
    if guardian and service is None:
        raise place.fail("guardian", f"no guardian service is named {guardian!r}")
    own_domain = place.text("domain", domain)
    username, password = _credentials(place, name, own_domain)
    row = Cluster(name, f"{NETWORK}.{number}.200", own_domain, str(guardian), username, password)
    row.nodes = _nodes(place, number, service, doors(place.part("winrm")))
    row.switches = _switches(place, name)
    row.volumes = _volumes(place, row)
    row.vms = _vms(place, row)
    row.faults = [_health_fault(p, name, i) for i, p in enumerate(place.rows("health_faults"))]
    place.done()
    _settle_volumes(row)
    return row


def _credentials(place: Place, name: str, domain: str) -> tuple[str, str]:
    """As given; else an account of the domain with a password made from the names."""
    part = place.part("credentials")
    made = hashlib.sha256(f"{domain}/{name}".encode()).hexdigest()[:20]
    default = f"{domain.split('.')[0].upper()}\\{name}-admin", f"Lab-{made}!"
    if part is None:
        return default
    pair = part.text("username", default[0]), part.text("password", default[1])
    part.done()
    return pair


def _nodes(place: Place, number: int, guardian: Guardian | None, ways: Doors) -> list[Node]:
    rows = [_node(p, f"{NETWORK}.{number}.{i + 1}", guardian, ways)
            for i, p in enumerate(place.rows("nodes"))]  # fmt: skip
    if not 0 < len(rows) <= MOST_NODES:
        raise place.fail("nodes", f"1 to {MOST_NODES} are wanted, {len(rows)} are given")
    return rows


def _node(place: Place, address: str, guardian: Guardian | None, ways: Doors) -> Node:
    node = Node(
        name=place.text("name"),
        address=address,
        memory_bytes=int(place.number("memory_gib", 256, 1) * GIB),
        processors=place.whole("processors", 32, 1),
        attestation=verdict(place.part("attestation"), "Passed" if guardian else "NotConfigured"),
        power=place.word("power", ("on", "off"), "on"),
        paused=place.flag("paused", False),
        guardian=guardian.name if guardian else "",
        attestation_url=guardian.attestation_url if guardian else "",
        key_protection_url=guardian.key_protection_url if guardian else "",
        os=place.text("os", "Microsoft Azure Stack HCI"),
        os_version=place.text("os_version", "10.0.20348"),
        latency_ms=place.whole("latency_ms", 0),
        faults=[fault(p) for p in place.rows("faults")],
        doors=doors(place.part("winrm"), ways),
    )
    node.drain = "Completed" if node.paused else "NotInitiated"
    place.done()
    return node


def doors(place: Place | None, default: Doors | None = None) -> Doors:
    """Which ways to sign in a host has: its cluster's, save what it says itself."""
    default = default or Doors()
    if place is None:
        return default
    row = Doors(
        basic=place.flag("basic", default.basic),
        credssp=place.flag("credssp", default.credssp),
        certificates=_mappings(place) or default.certificates,
        max_envelope_kib=place.whole("max_envelope_kib", default.max_envelope_kib, 32),
        keytab=place.text("keytab") if place.get("keytab") else default.keytab,
        channel_binding=place.word("channel_binding", CHANNEL_BINDINGS, default.channel_binding),
    )
    place.done()
    return row


def _mappings(place: Place) -> list[CertificateMapping]:
    rows = []
    for p in place.rows("certificates"):
        user = p.text("username") if p.get("username") else ""
        rows.append(CertificateMapping(p.text("subject"), user, _authority(p)))
        p.done()
    return rows


def _authority(place: Place) -> str:
    """PEM of the authority in the file that a mapping names; "" without one."""
    if not place.get("authority"):
        return ""
    try:
        text = Path(place.text("authority")).read_text(encoding="utf-8")
        x509.load_pem_x509_certificate(text.encode())
    except (OSError, ValueError) as error:
        raise place.fail("authority", f"holds no certificate in PEM: {error}") from None
    return text


def verdict(place: Place | None, default: str = "Passed") -> Verdict:
    """A host's attestation, of a definition or of the control address."""
    if place is None:
        return Verdict(default)
    names = place.get("sub_status", [])
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, list) or not all(isinstance(n, str) and n.isalpha() for n in names):
        raise place.fail("sub_status", "a list of names such as SecureBoot is wanted")
    row = Verdict(place.word("status", VERDICTS, default), list(names))
    place.done()
    return row


def _switches(place: Place, cluster: str) -> list[Switch]:
    rows = []
    for p in place.rows("switches"):
        name = p.text("name")
        kind = p.word("type", SWITCH_TYPES, "External")
        rows.append(Switch(name, kind, stable_id("switch", cluster, name)))
        p.done()
    _unique([row.name for row in rows], f"{place.where}.switches")
    return rows


def _volumes(place: Place, cluster: Cluster) -> list[Volume]:
    rows = []
    for i, p in enumerate(place.rows("volumes")):
        name = p.text("name")
        if set(name) & set('\\/:*?"<>|'):
            raise p.fail("name", f"{name!r} can be no folder's name in Windows")
        size = p.number("size_gib", 1024, 1)
        used = p.number("used_gib", 0)
        if used > size:
            raise p.fail("used_gib", f"{used:g} is more than size_gib {size:g}")
        owner = cluster.nodes[i % len(cluster.nodes)].name
        rows.append(Volume(name, int(size * GIB), int(used * GIB), owner))
        p.done()
    _unique([row.name for row in rows], f"{place.where}.volumes")
    return rows


def _settle_volumes(cluster: Cluster) -> None:
    """`used_gib` counts the disks of the VMs in it, as far as they fit."""
    for volume in cluster.volumes:
        files = sum(file.size_bytes for file in volume.files.values())
        volume.other_bytes = max(0, volume.other_bytes - files)
        volume.size_bytes = max(volume.size_bytes, volume.used_bytes)


def _health_fault(place: Place, cluster: str, index: int) -> HealthFault:
    actions = place.get("actions", [])
    row = HealthFault(
        stable_id("fault", cluster, index),
        place.text("type"),
        place.word("severity", SEVERITIES, "Warning"),
        place.text("reason"),
        place.text("object", cluster),
        place.text("location", cluster),
        [str(a) for a in (actions if isinstance(actions, list) else [actions])],
        0.0,
    )
    place.done()
    return row


def _vms(place: Place, cluster: Cluster) -> list[VM]:
    rows: list[VM] = []
    seen: Counter[str] = Counter()
    for p in place.rows("vms"):
        for number in range(p.whole("repeat", 1, 0)):
            if len(rows) >= MOST_REPEAT:
                raise p.fail("repeat", f"a cluster takes {MOST_REPEAT} VMs at most")
            rows.append(_vm(p, cluster, number, len(rows), seen))
        p.done()
    return rows


def _vm_name(place: Place, number: int) -> str:
    name = place.text("name")
    if "repeat" not in place.value:
        return name
    try:
        return name.format(n=number + 1)
    except (KeyError, IndexError, ValueError) as error:
        raise place.fail("name", f"{name!r}: only {{n}} can be filled in ({error})") from None


def _vm_node(place: Place, cluster: Cluster, index: int) -> str:
    """The node named; else they take turns."""
    wanted = place.get("node")
    if wanted is None or place.flag("spread", False):
        return cluster.nodes[index % len(cluster.nodes)].name
    try:
        return cluster.node(str(wanted)).name
    except LookupError:
        names = ", ".join(node.name for node in cluster.nodes)
        raise place.fail("node", f"no node is named {wanted!r}; there are {names}") from None


def _vm(place: Place, cluster: Cluster, number: int, index: int, seen: Counter[str]) -> VM:
    name = _vm_name(place, number)
    seen[name] += 1
    vm_id = stable_id("vm", cluster.domain, cluster.name, name, seen[name])
    place.flag("spread", False)
    row = VM(
        id=vm_id,
        name=name,
        node=_vm_node(place, cluster, index),
        state=place.word("state", STATES, "Off"),
        protection=place.word("protection", PROTECTIONS, "None"),
        generation=place.whole("generation", 2, 1),
        processors=place.whole("processors", 2, 1),
        memory_bytes=int(place.number("memory_gib", 2, 0.03125) * GIB),
        clustered=place.flag("clustered", True),
        notes=str(place.get("notes", "")),
    )
    if row.generation == 1 and row.protection != "None":
        raise place.fail("protection", "a VM of generation 1 can have no virtual TPM")
    if row.clustered:  # roles of one cluster have different names, as its VMs need not have
        row.group = name if seen[name] == 1 else f"{name} ({seen[name]})"
    _furnish(place, row, cluster, index)
    return row


def folder_name(name: str) -> str:
    """A folder's name in Windows that stands for a VM's name."""
    return "".join("_" if c in '\\/:*?"<>|' else c for c in name).rstrip(" .") or "_"


def _furnish(place: Place, vm: VM, cluster: Cluster, index: int) -> None:
    """Disk, network adapter and checkpoints of a VM."""
    volume = _vm_volume(place, cluster, index)
    size = int(place.number("disk_gib", 40, 0.001) * GIB)
    root = volume.path if volume else "C:\\VMs"
    folder = f"{root}\\{folder_name(vm.name)}"
    if volume and any(path.startswith(folder + "\\") for path in volume.files):
        folder += f" {vm.id[:8]}"
    vm.path = folder
    disk = f"{folder}\\{folder_name(vm.name)}.vhdx"
    vm.disks = [Disk(disk, size)]
    if volume:
        # A dynamically expanding disk has grown to a part of its size; which part, its name tells.
        share = 0.1 + int(vm.id[:2], 16) / 640
        volume.files[disk] = File(int(size * share) >> 20 << 20)
    vm.adapters = _adapters(place, vm, cluster)
    for number in range(place.whole("checkpoints", 0)):
        _add_checkpoint(vm, number)


def _vm_volume(place: Place, cluster: Cluster, index: int) -> Volume | None:
    wanted = place.get("volume")
    if wanted is None:
        return cluster.volumes[index % len(cluster.volumes)] if cluster.volumes else None
    for volume in cluster.volumes:
        if volume.name == str(wanted):
            return volume
    raise place.fail("volume", f"no volume is named {wanted!r}")


def _adapters(place: Place, vm: VM, cluster: Cluster) -> list[Adapter]:
    wanted = place.get("switch", cluster.switches[0].name if cluster.switches else "")
    if wanted and wanted not in [switch.name for switch in cluster.switches]:
        raise place.fail("switch", f"no switch is named {wanted!r}")
    return [new_adapter(vm.id, str(wanted))]


def new_adapter(vm_id: str, switch: str, number: int = 0) -> Adapter:
    """A network adapter with an address out of Hyper-V's own range."""
    tail = hashlib.sha256(f"{vm_id}/{number}".encode()).digest()
    mac = "00155D" + tail[:3].hex().upper()
    return Adapter("Network Adapter", switch, mac, [f"10.{tail[3]}.{tail[4]}.{tail[5] or 1}"])


def _add_checkpoint(vm: VM, number: int) -> None:
    row = Checkpoint(
        stable_id("checkpoint", vm.id, number),
        f"{vm.name} - checkpoint {number + 1}",
        vm.current_checkpoint,
        0.0,
        processors=vm.processors,
        memory_bytes=vm.memory_bytes,
    )
    vm.checkpoints.append(row)
    vm.current_checkpoint = row.id

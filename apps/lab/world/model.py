"""The nouns of the simulated fabric. Plain rows; rules are in `rules.py`, the lock in `world.py`.

Sizes are bytes, times are UTC epoch seconds, states are Hyper-V's own words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from apps.lab.world.faults import Fault, WireFault
from apps.lab.wsman.doors import Doors

GIB = 1 << 30

PROTECTIONS = ("None", "VTpm", "EncryptionSupported", "Shielded")
STATES = (
    "Running", "Off", "Saved", "Paused", "Starting", "Stopping", "Saving", "Pausing", "Resuming",
    "RunningCritical", "OffCritical", "SavedCritical", "PausedCritical",
)  # fmt: skip
VERDICTS = (
    "Passed", "NotConfigured", "Unknown", "Expired", "TransientError", "UnauthorizedHost",
    "TpmError", "InsecureHostConfiguration",
)  # fmt: skip
MODES = ("tpm", "host-key", "active-directory")
HOLDS_MEMORY = frozenset({"Running", "Paused", "Starting", "Stopping", "Saving", "Pausing"})


@dataclass
class Verdict:
    status: str
    sub_status: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Node:
    name: str
    address: str
    memory_bytes: int
    processors: int
    attestation: Verdict
    power: str = "on"
    paused: bool = False
    drain: str = "NotInitiated"
    guardian: str = ""  # name of the guardian service the host is set up for, "" none
    attestation_url: str = ""
    key_protection_url: str = ""
    os: str = "Microsoft Azure Stack HCI"
    os_version: str = "10.0.20348"
    booted_at: float = 0.0
    latency_ms: int = 0
    faults: list[Fault] = field(default_factory=list)
    hanging: list[Fault] = field(default_factory=list)
    doors: Doors = field(default_factory=Doors)
    lacks: list[str] = field(
        default_factory=list
    )  # "Get-VM", "Get-VM -Id", "root/msps/…" in lower case
    wire_faults: list[WireFault] = field(default_factory=list)
    clock_seconds: float = 0.0  # how far the host's clock is ahead


@dataclass
class File:
    """A file on a volume. `blob` is the name of its bytes in the lab's blob folder, "" where the
    file is only a size (the disk of a VM that nobody uploaded)."""

    size_bytes: int
    sha256: str | None = None
    blob: str = ""
    virtual_bytes: int = 0  # of an empty virtual disk that was made here


@dataclass(eq=False)
class Volume:
    name: str
    size_bytes: int
    other_bytes: int = 0  # used by what is not listed in files
    owner_node: str = ""
    file_system: str = "CSVFS"
    files: dict[str, File] = field(default_factory=dict)  # by full Windows path

    @property
    def path(self) -> str:
        return f"C:\\ClusterStorage\\{self.name}"

    @property
    def used_bytes(self) -> int:
        return self.other_bytes + sum(file.size_bytes for file in self.files.values())


@dataclass(eq=False)
class Switch:
    name: str
    type: str
    id: str


@dataclass
class Disk:
    path: str
    size_bytes: int
    type: str = "Dynamic"
    controller: int = 0


@dataclass
class Adapter:
    name: str
    switch: str
    mac_address: str
    ip_addresses: list[str] = field(default_factory=list)


@dataclass
class Checkpoint:
    id: str
    name: str
    parent_id: str | None
    created_at: float
    type: str = "Standard"
    processors: int = 1
    memory_bytes: int = GIB
    state: str = "Off"


@dataclass
class Transition:
    """Something that takes time: until `due` the VM is in `during`, then in `state` on `node`."""

    kind: str  # start, stop, save, restart, move
    due: float
    began: float
    state: str
    node: str = ""
    problem: str = ""


@dataclass(eq=False)
class VM:
    id: str
    name: str
    node: str
    state: str = "Off"
    protection: str = "None"
    generation: int = 2
    processors: int = 1
    memory_bytes: int = GIB
    clustered: bool = True
    notes: str = ""
    path: str = ""
    group: str = ""  # the cluster role's name, where clustered
    group_failed: bool = False
    started_at: float = 0.0
    created_at: float = 0.0
    disks: list[Disk] = field(default_factory=list)
    dvds: list[str] = field(default_factory=list)
    boots_from: str = ""  # path of what lies in its first boot device; empty: its first disk
    adapters: list[Adapter] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    current_checkpoint: str | None = None
    template_sha256: str | None = None
    shielding_data_sha256: str | None = None
    key_protector: dict[str, Any] | None = None  # what the shielding data left, see handlers
    security: dict[str, Any] = field(default_factory=dict)
    provisioning: dict[str, Any] | None = None
    transition: Transition | None = None
    drained_from: str = ""
    restart_on_power: bool = False
    last_problem: str = ""


@dataclass
class HealthFault:
    id: str
    type: str
    severity: str
    reason: str
    object: str
    location: str
    actions: list[str]
    time: float


@dataclass(eq=False)
class Guardian:
    name: str
    mode: str
    address: str
    nodes: int = 3
    wire_faults: list[WireFault] = field(default_factory=list)

    @property
    def attestation_url(self) -> str:
        return f"http://{self.address}/Attestation"

    @property
    def key_protection_url(self) -> str:
        return f"http://{self.address}/KeyProtection"


@dataclass(eq=False)
class Cluster:
    name: str
    address: str
    domain: str
    guardian: str
    username: str
    password: str = field(repr=False)
    nodes: list[Node] = field(default_factory=list)
    volumes: list[Volume] = field(default_factory=list)
    switches: list[Switch] = field(default_factory=list)
    vms: list[VM] = field(default_factory=list)
    faults: list[HealthFault] = field(default_factory=list)

    def fqdn(self, node: Node) -> str:
        return f"{node.name}.{self.domain}"

    def node(self, name: str) -> Node:
        folded = name.casefold()
        for node in self.nodes:
            if folded in (node.name.casefold(), self.fqdn(node).casefold()):
                return node
        raise LookupError(name)


@dataclass(frozen=True)
class Timing:
    """How long things take, in milliseconds."""

    powershell_start_ms: int = 0
    cmdlet_ms: int = 0
    start_ms: int = 100
    shut_down_ms: int = 300
    save_ms: int = 200
    move_ms: int = 500
    provision_ms: int = 800

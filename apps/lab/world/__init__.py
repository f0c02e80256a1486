"""The simulated fabric: what exists and which rules hold. Pure Python, no sockets, one lock."""

from apps.lab.world.definition import Definition, DefinitionError, parse, read
from apps.lab.world.faults import Fault, WireFault
from apps.lab.world.model import (
    GIB,
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
    Timing,
    Verdict,
    Volume,
)
from apps.lab.world.world import World

__all__ = [
    "GIB",
    "VM",
    "Adapter",
    "Checkpoint",
    "Cluster",
    "Definition",
    "DefinitionError",
    "Disk",
    "Fault",
    "File",
    "Guardian",
    "HealthFault",
    "Node",
    "Switch",
    "Timing",
    "Verdict",
    "Volume",
    "WireFault",
    "World",
    "parse",
    "read",
]

"""The fabrics on which every script runs both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import yaml

from apps.lab.world import Definition, Timing, World, parse, read
from apps.lab.world.model import STATES
from tests.scripts import pwsh

AT_ONCE = Timing(start_ms=0, shut_down_ms=0, save_ms=0, move_ms=0, provision_ms=600_000)
GUARDIANS = [
    {"name": "hgs", "mode": "host-key", "address": "hgs.example.test"},
    {"name": "other", "mode": "tpm", "address": "other.example.test"},
]
VOLUMES = [{"name": "One", "size_gib": 20_000}, {"name": "Two", "size_gib": 20_000}]
SWITCHES = [{"name": "Wide", "type": "External"}, {"name": "Inner", "type": "Internal"}]
KINDS = ("Generation1", "None", "VTpm", "EncryptionSupported", "Shielded")
HOSTILE = {
    "subexpression": "$(Get-VM)${x}$env:PATH",
    "quotes": 'it\'s a "name" \u2018of\u2019 \u201cfour\u201d',
    "backticks": "`n`t`0 ``",
    "line feed": "first\nsecond\r\nthird\ttab",
    "letters": "Zoë-Ελλάς-北京-ﬁ-İı",
    "emoji": "🖥️👩‍💻 1",
    "right to left": "‮שרת‬-خادم",
    "long": "x" * 200,
    "brackets": "[a]*?",
    "braces": "{0} {{1}} %s %d",
    "separators": "; | & > < # , @() -Force",
    "markup": "<script>alert('x')</script>&amp;",
    "spaces": " ends with spaces  ",
    "json": '{"progress": 5, "message": "x"}',
    "number": "007",
    "empty-like": "$null",
    "control": "a\u0001b\u2028c\u0085",
}
FITS_A_FOLDER = [name for name in HOSTILE.values() if not set(name) & set('\\/:*?"<>|\n\r\t\u0001')]


@dataclass(frozen=True)
class Fabric:
    """A definition, and what no definition may say but a fabric can have."""

    definition: Definition
    prepare: Callable[[World], None] = lambda world: None


def fabric(
    document: dict[str, Any], prepare: Callable[[World], None] = lambda world: None
) -> Fabric:
    """Of a definition whose guardian services and timing are those of all tests here."""
    text = yaml.safe_dump({"domain": "example.test", "guardian_services": GUARDIANS} | document)
    return Fabric(replace(parse(text), timing=AT_ONCE), prepare)


def healthy() -> Fabric:
    """The lab's own: a cluster and a small one, with everything that the demo shows."""
    definition = read(pwsh.ROOT / "apps/lab/definitions/default.yaml")
    return Fabric(replace(definition, timing=AT_ONCE))


def host_down() -> Fabric:
    """One host without power, one paused, one that the guardian refuses; VMs everywhere."""
    nodes = [
        {"name": "up", "attestation": {"status": "Passed"}},
        {"name": "down", "power": "off"},
        {"name": "paused", "paused": True},
        {"name": "refused", "attestation": {
            "status": "InsecureHostConfiguration", "sub_status": ["SecureBoot", "Iommu"]}},
    ]  # fmt: skip
    vms = [
        {"name": f"{node['name']}-{kind}", "node": node["name"], "state": "Running",
         "protection": kind, "clustered": clustered}
        for node in nodes
        for kind, clustered in (("None", True), ("Shielded", True), ("VTpm", False))
    ]  # fmt: skip
    return fabric({"clusters": [cluster(nodes=nodes, vms=vms)]})


def empty() -> Fabric:
    """A cluster of one host that has nothing at all."""
    return fabric({"guardian_services": [], "clusters": [{"name": "c", "nodes": [{"name": "n1"}]}]})


def single() -> Fabric:
    """One of everything: where Windows PowerShell makes an object of a list that holds one."""
    whole = cluster(
        nodes=[{"name": "n1"}], volumes=VOLUMES[:1], switches=SWITCHES[:1],
        vms=[{"name": "only", "state": "Running", "checkpoints": 1}],
        health_faults=[{"type": "F", "reason": "R", "actions": ["one"]}],
    )  # fmt: skip
    return fabric({"clusters": [whole]})


def large() -> Fabric:
    """700 VMs on eight hosts."""
    vms = [
        {"name": f"vm-{kind}-{{n}}", "repeat": 175, "protection": kind, "state": state,
         "checkpoints": 1}
        for kind, state in (("None", "Off"), ("VTpm", "Running"),
                            ("EncryptionSupported", "Saved"), ("Shielded", "Running"))
    ]  # fmt: skip
    nodes = [{"name": f"n{number}", "memory_gib": 1024} for number in range(1, 9)]
    return fabric({"clusters": [cluster(nodes=nodes, vms=vms)]})


def hostile() -> Fabric:
    """Names and notes that mean something to PowerShell, JSON, Windows or a terminal."""
    vms = [
        {"name": f"vm{number}", "node": "n1", "state": state, "checkpoints": 2}
        for number, _ in enumerate(HOSTILE)
        for state in ("Running" if number % 2 else "Off",)
    ]
    volumes = [{"name": name, "size_gib": 2_000} for name in FITS_A_FOLDER]
    faults = [
        {"type": f"t{number}", "reason": "r", "actions": ["x"]} for number, _ in enumerate(HOSTILE)
    ]
    whole = cluster(
        nodes=[{"name": "n1"}, {"name": "n2"}], vms=vms, volumes=volumes, health_faults=faults
    )
    return fabric({"clusters": [whole]}, _name)


def _name(world: World) -> None:
    """Every name of the cluster becomes one of the hostile ones."""
    cluster = world.clusters[0]
    for number, (vm, name) in enumerate(zip(cluster.vms, HOSTILE.values(), strict=True)):
        vm.name = vm.group = vm.notes = vm.checkpoints[0].name = name
        vm.adapters[0].name = name
        fault = cluster.faults[number]
        fault.type = fault.reason = fault.object = fault.location = fault.actions[0] = name
    for switch, name in zip(cluster.switches, ("$(x) ['\"`]*?", "🖥️ ‮x"), strict=True):
        for vm in cluster.vms[::2]:
            for adapter in vm.adapters:
                adapter.switch = name if adapter.switch == switch.name else adapter.switch
        switch.name = name


def states() -> Fabric:
    """Every protection in every state, on a host that is attested and on one that is not."""
    vms = [
        {"name": f"{kind}-{state}-{node}", "node": node, "state": state, "checkpoints": 1,
         "memory_gib": 0.5,
         "generation": 1 if kind == "Generation1" else 2,
         "protection": "None" if kind == "Generation1" else kind}
        for node, wanted in (("good", STATES), ("bad", ("Off", "Saved", "Paused")))
        for kind in KINDS
        for state in wanted
    ]  # fmt: skip
    nodes = [
        {"name": "good", "attestation": {"status": "Passed"}},
        {"name": "bad", "attestation": {"status": "UnauthorizedHost"}},
    ]
    return fabric({"clusters": [cluster(nodes=nodes, vms=vms)]})


def cluster(**parts: Any) -> dict[str, Any]:
    """A cluster's part of a definition, with volumes and switches where none are given."""
    return {
        "name": "c", "guardian": "hgs", "volumes": VOLUMES, "switches": SWITCHES, **parts,
    }  # fmt: skip


FABRICS: dict[str, Callable[[], Fabric]] = {
    "healthy": healthy,
    "host-down": host_down,
    "empty": empty,
    "single": single,
    "large": large,
    "hostile": hostile,
    "states": states,
}

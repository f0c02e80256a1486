"""What a definition may say, and how it is told where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.lab.world import DefinitionError, World, parse, read
from apps.lab.wsman.doors import Doors

FOLDER = Path(__file__).resolve().parents[2] / "apps/lab/definitions"
NODES = "nodes: [{name: n}]"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clusters: [", "not YAML"),
        ("just text", "a mapping is wanted"),
        ("clusters: []", "1 to 240 are wanted"),
        ("clusters: [{name: c}]", r"clusters\[0\]\.nodes"),
        ("clusters: [{nodes: [{name: n}]}]", r"clusters\[0\]\.name: is missing"),
        (f"clusters: [{{name: c, {NODES}, guardian: nobody}}]", "no guardian service"),
        (f"clusters: [{{name: c, {NODES}, vms: [{{name: v, node: x}}]}}]", "there are n"),
        (f"clusters: [{{name: c, {NODES}, vms: [{{name: v, state: Runing}}]}}]", "did you mean"),
        (f"clusters: [{{name: c, {NODES}, vms: [{{name: v, memory_gib: lots}}]}}]", "a number"),
        (f"clusters: [{{name: c, {NODES}}}, {{name: C, nodes: [{{name: m}}]}}]", "used twice"),
        (f"clusters: [{{name: c, {NODES}, winrm: {{channel_binding: firm}}}}]", "none of"),
        (f"clusters: [{{name: c, {NODES}, winrm: {{certificates: [{{}}]}}}}]", "is missing"),
        (f"clusters: [{{name: c, {NODES}, volumes: [{{name: 'a/b'}}]}}]", "folder's name"),
        (f"clusters: [{{name: c, {NODES}, vms: [{{name: 'v{{x}}', repeat: 2}}]}}]", "only {n}"),
        ("clusters: [{name: c, nodes: [{name: n, attestation: {status: Fine}}]}]", "none of"),
        (f"clusters: [{{name: c, {NODES}, vms: [{{name: v, generation: 1, protection: vtpm}}]}}]",
         "generation 1"),
    ],
)  # fmt: skip
def test_a_wrong_definition_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        parse(text)


def test_a_missing_file_is_a_definition_error(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="No such file"):
        read(tmp_path / "none.yaml")


def test_a_key_that_nobody_knows_is_told_with_the_nearest_one() -> None:
    found = parse(f"clusters: [{{name: c, {NODES}, vms: [{{name: v, memroy_gib: 4}}]}}]")

    assert found.warnings == [
        "clusters[0].vms[0]: memroy_gib is not known; did you mean memory_gib?"
    ]


def test_repeat_numbers_names_and_spread_takes_turns() -> None:
    found = parse(
        "clusters: [{name: c, nodes: [{name: a}, {name: b}],"
        " vms: [{repeat: 3, name: 'web-{n:03}', spread: true, state: On}]}]"
    )
    vms = found.clusters[0].vms

    assert [vm.name for vm in vms] == ["web-001", "web-002", "web-003"]
    assert [vm.node for vm in vms] == ["a", "b", "a"]
    assert {vm.state for vm in vms} == {"Running"}


def test_bare_off_is_a_state_and_a_cluster_without_guardian_is_not_configured() -> None:
    cluster = parse(f"clusters: [{{name: c, {NODES}, vms: [{{name: v, state: Off}}]}}]").clusters[0]

    assert cluster.vms[0].state == "Off"
    assert cluster.nodes[0].attestation.status == "NotConfigured"


def test_ids_come_from_names_and_twins_get_different_ones() -> None:
    text = f"clusters: [{{name: c, {NODES}, vms: [{{name: v}}, {{name: v}}]}}]"
    first, second = parse(text).clusters[0].vms

    assert first.id != second.id
    assert first.group != second.group
    assert [vm.id for vm in parse(text).clusters[0].vms] == [first.id, second.id]


def test_both_definitions_that_come_with_the_lab_hold_and_share_no_name() -> None:
    one, two = (read(FOLDER / name) for name in ("default.yaml", "branch.yaml"))
    names = [
        {x.name for c in d.clusters for x in (c, *c.nodes, *c.volumes, *c.switches, *c.vms)}
        for d in (one, two)
    ]

    assert one.warnings == two.warnings == []
    assert not names[0] & names[1]
    assert {g.mode for g in one.guardians} == {"host-key"}
    assert {g.mode for g in two.guardians} == {"tpm"}
    for definition in (one, two):
        world = World(definition)
        assert {vm.protection for c in world.clusters for vm in c.vms} == {
            "None", "VTpm", "EncryptionSupported", "Shielded"
        }  # fmt: skip


def test_a_node_lets_in_what_its_cluster_says_and_otherwise_what_windows_does() -> None:
    ways = "winrm: {channel_binding: strict, certificates: [{subject: ops@test}]}"
    nodes = "nodes: [{name: a}, {name: b, winrm: {basic: false, channel_binding: none}}]"
    first, second = parse(f"clusters: [{{name: c, {ways}, {nodes}}}]").clusters[0].nodes
    plain = parse(f"clusters: [{{name: c, {NODES}}}]").clusters[0].nodes[0]

    assert (first.doors.channel_binding, first.doors.basic) == ("strict", True)
    assert (second.doors.channel_binding, second.doors.basic) == ("none", False)
    assert [m.subject for m in second.doors.certificates] == ["ops@test"]
    assert plain.doors == Doors()


def test_the_ways_in_outlive_a_restart_of_the_world(tmp_path) -> None:
    ways = "winrm: {certificates: [{subject: ops@test, username: ops}]}"
    definition = parse(f"clusters: [{{name: c, {NODES}, {ways}}}]")
    World(definition, tmp_path).close()

    again = World(definition, tmp_path)
    again.close()

    assert again.clusters[0].nodes[0].doors == definition.clusters[0].nodes[0].doors

"""The rules of the simulated fabric: memory, attestation, failover, drain, saving."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.session import Session
from apps.lab.world import VM, Verdict, World, changes, parse
from apps.lab.world.model import HOLDS_MEMORY
from apps.lab.world.rules import memory_available

FABRIC = """
domain: test.example
guardian_services: [{name: g, mode: tpm}]
timing: {move_ms: 0, start_ms: 0, shut_down_ms: 0, save_ms: 0}
clusters:
  - name: c
    guardian: g
    nodes:
      - {name: n1, memory_gib: 16}
      - {name: n2, memory_gib: 16}
      - {name: n3, memory_gib: 16, attestation: {status: InsecureHostConfiguration}}
    volumes: [{name: V}]
    vms:
      - {name: secret, node: n1, state: Running, memory_gib: 4, protection: shielded}
      - {name: plain, node: n1, state: Running, memory_gib: 4}
      - {name: alone, node: n1, state: Running, memory_gib: 1, clustered: false}
      - {name: idle, node: n3, state: 'Off', memory_gib: 4, protection: encryption-supported}
      - {name: big, node: n2, state: 'Off', memory_gib: 12}
"""


@pytest.fixture
def world() -> World:
    return World(parse(FABRIC))


def vm(world: World, name: str) -> VM:
    with world.locked():
        return world.vms_named(name)[0][1]


def drain(world: World, name: str) -> None:
    options = {"Name": name, "Drain": True, "Wait": True}
    Session(world, "n2").call("Suspend-ClusterNode", options, [])


def lose(world: World, name: str) -> None:
    with world.locked():
        changes.lose_host(world.cluster_of(name), world.node(name))


def test_a_start_beyond_the_hosts_memory_is_refused(world: World) -> None:
    Session(world, "n2").call("Start-VM", {"Name": "big"}, [])
    with world.locked():
        vm(world, "plain").node = "n2"
        vm(world, "plain").state = "Off"

    with pytest.raises(CmdletError, match="Not enough memory in the system to start"):
        Session(world, "n2").call("Start-VM", {"Name": "plain"}, [])

    assert vm(world, "plain").state == "Off"


def test_a_protected_vm_starts_only_on_an_attested_host(world: World) -> None:
    with pytest.raises(CmdletError, match="could not be unwrapped"):
        Session(world, "n3").call("Start-VM", {"Name": "idle"}, [])

    world.node("n3").attestation = Verdict("Passed")
    Session(world, "n3").call("Start-VM", {"Name": "idle"}, [])

    assert vm(world, "idle").state == "Running"


def test_vms_of_a_lost_host_fail_over_the_shielded_one_to_an_attested_host(world: World) -> None:
    lose(world, "n1")

    assert (vm(world, "secret").node, vm(world, "secret").state) == ("n2", "Running")
    assert vm(world, "plain").node != "n1"
    assert vm(world, "plain").state == "Running"
    assert (vm(world, "alone").node, vm(world, "alone").state) == ("n1", "Off")


def test_what_no_live_host_may_run_ends_off_and_a_vm_of_one_host_starts_with_it(
    world: World,
) -> None:
    lose(world, "n2")
    lose(world, "n1")

    secret = vm(world, "secret")
    assert (secret.node, secret.state, secret.group_failed) == ("n3", "Off", True)

    with world.locked():
        changes.regain_host(world.cluster("c"), world.node("n1"))
    assert vm(world, "alone").state == "Running"


def test_a_drain_empties_the_host_and_failback_brings_its_vms_back(world: World) -> None:
    Session(world, "n2").call(
        "Suspend-ClusterNode", {"Name": "n1", "Drain": True, "Wait": True}, []
    )

    assert world.node("n1").drain == "Completed"
    assert vm(world, "secret").node == "n2"
    assert vm(world, "alone").node == "n1"  # no cluster moves it

    Session(world, "n2").call("Resume-ClusterNode", {"Name": "n1", "Failback": "Immediate"}, [])
    assert vm(world, "secret").node == vm(world, "plain").node == "n1"
    assert world.node("n1").paused is False


def test_a_drain_that_finds_no_room_for_a_vm_fails_and_leaves_it_running(world: World) -> None:
    world.node("n2").attestation = Verdict("Expired")

    Session(world, "n2").call(
        "Suspend-ClusterNode", {"Name": "n1", "Drain": True, "Wait": True}, []
    )

    assert world.node("n1").drain == "Failed"
    assert (vm(world, "secret").node, vm(world, "secret").state) == ("n1", "Running")


def test_a_move_ends_on_the_source_when_the_target_loses_its_attestation(world: World) -> None:
    secret = vm(world, "secret")
    with world.locked():
        slow = type(world.timing)(move_ms=3_600_000)
        changes.begin_move(secret, world.node("n2"), slow)
        world.node("n2").attestation = Verdict("Unknown")
        assert secret.node == "n1"
        changes.settle(world.clusters, world.timing, time.time() + 3_601)

    assert (secret.node, secret.state, secret.transition) == ("n1", "Running", None)
    assert "could not be unwrapped" in secret.last_problem


def test_the_world_outlives_a_restart_and_starts_anew_with_another_definition(
    tmp_path: Path,
) -> None:
    first = World(parse(FABRIC), tmp_path)
    Session(first, "n2").call("Start-VM", {"Name": "big"}, [])
    before = first.document()
    first.close()

    again = World(parse(FABRIC), tmp_path)
    assert again.document() == before
    again.close()

    other = World(parse(FABRIC + "# changed\n"), tmp_path)
    assert vm(other, "big").state == "Off"
    other.close()


VERBS = ("Start-VM", "Stop-VM", "Save-VM", "Suspend-VM", "Resume-VM", "Restart-VM")
STEPS = st.one_of(
    st.tuples(st.sampled_from(VERBS), st.sampled_from(["secret", "plain", "idle", "big"])),
    st.tuples(st.sampled_from(["move"]), st.tuples(
        st.sampled_from(["secret", "plain", "idle", "big"]), st.sampled_from(["n1", "n2", "n3"]))),
    st.tuples(st.sampled_from(["power", "drain", "resume", "attest"]),
              st.sampled_from(["n1", "n2", "n3"])),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_whatever_is_done_memory_suffices_and_nothing_runs_on_a_dead_host(steps: list) -> None:
    world = World(parse(FABRIC))
    for verb, what in steps:
        _do(world, verb, what)
        _hold(world)


def _do(world: World, verb: str, what: object) -> None:
    cluster = world.cluster("c")
    try:
        if verb in VERBS:
            host = vm(world, str(what)).node
            if world.node(host).power == "on":
                Session(world, host).call(verb, {"Name": what}, [])
        elif verb == "move":
            name, node = what  # type: ignore[misc]
            Session(world, "n1").call(
                "Move-ClusterVirtualMachineRole",
                {"Name": name, "Node": node, "MigrationType": "Live"},
                [],
            )
        elif verb == "power":
            with world.locked():
                on = world.node(str(what)).power == "on"
                (changes.lose_host if on else changes.regain_host)(cluster, world.node(str(what)))
        elif verb == "drain":
            Session(world, "n1").call("Suspend-ClusterNode", {"Name": what, "Drain": True}, [])
        elif verb == "resume":
            Session(world, "n1").call(
                "Resume-ClusterNode", {"Name": what, "Failback": "Immediate"}, []
            )
        else:
            world.node(str(what)).attestation = Verdict("Passed")
    except CmdletError:
        pass  # a refusal is as good as an act: what must hold is looked at after both


def _hold(world: World) -> None:
    with world.locked():
        cluster = world.cluster("c")
        for node in cluster.nodes:
            running = [v for v in cluster.vms if v.node == node.name and v.state in HOLDS_MEMORY]
            assert node.power == "on" or not running
            assert sum(v.memory_bytes for v in running) <= node.memory_bytes
            assert memory_available(cluster, node) >= 0
        for row in cluster.vms:
            assert row.node in {n.name for n in cluster.nodes}

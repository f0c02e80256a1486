"""Deployments over the lab's WinRM to which something happens: one machine comes of it or none,
what is left is named and can be removed, and a retry goes on from the files that the host has.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.lab.cmdlets import outcome, shielded_vm
from apps.lab.cmdlets.session import Session
from apps.lab.world import changes, provisioning
from apps.library import staging
from apps.operations import patience
from apps.vms.deployments import steps
from tests.stage import execute, stage
from tests.vms.deployments.trouble import HOST, Trouble, with_words

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_server: None
) -> Iterator[Trouble]:
    """Every file is large enough for jobs, and hosts that are silent are asked again soon."""
    monkeypatch.setattr(staging, "AT_ONCE", 0)
    monkeypatch.setattr(patience, "AGAIN_LATER", 0.5)
    with stage(tmp_path) as here:
        yield Trouble(here, monkeypatch)


# ---- the copy
def test_a_volume_that_fills_up_meanwhile_ends_it_in_the_host_s_words(trouble: Trouble) -> None:
    operation = trouble.ask()
    trouble.spoil({"on": "New-DeploymentVM", "kind": "slow", "seconds": 2, "times": 1})
    volume = trouble.stage.world.clusters[0].volumes[0]

    with trouble.under_way(operation):
        trouble.until_called("New-DeploymentVM")
        with trouble.stage.world.locked():
            free = volume.size_bytes - volume.used_bytes
            volume.other_bytes += free

    assert operation.status == "failed"
    assert operation.error["message"].startswith(steps.CREATE)
    assert "not enough space" in operation.error["host_message"]
    trouble.require_remains_named(operation)
    assert trouble.machines() == []
    volume.other_bytes -= free
    trouble.require_retried(operation)


def test_cancelled_during_the_copy_it_leaves_no_machine_and_no_process(trouble: Trouble) -> None:
    operation = trouble.ask()
    trouble.spoil({"on": "Copy-Item", "kind": "hang"})

    with trouble.under_way(operation):
        trouble.until_hanging("Copy-Item")
        trouble.cancel(operation)

    assert operation.status == "cancelled"
    assert trouble.jobs() == []
    trouble.require_remains_named(operation)
    assert trouble.machines() == []
    trouble.spoil()
    trouble.clean_up(operation)


def test_a_host_that_restarts_during_the_copy_goes_on_with_it(trouble: Trouble) -> None:
    operation = trouble.ask()
    trouble.spoil({"on": "Copy-Item", "kind": "hang", "times": 1})

    with trouble.under_way(operation):
        trouble.until_hanging("Copy-Item")
        trouble.power("off")
        trouble.until_told(operation, f"{HOST} doesn’t answer")
        trouble.power("on")

    trouble.require_made(operation)
    told = trouble.told(operation)
    assert f"{HOST} answers again" in told
    assert "lost the process of New-DeploymentVM; it is begun again" in told


def test_a_copy_that_nobody_could_stop_is_ended_by_the_clean_up(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SILENCE", 1.0)
    operation = trouble.ask()
    trouble.spoil({"on": "Copy-Item", "kind": "hang", "times": 1})

    with trouble.under_way(operation):
        trouble.until_hanging("Copy-Item")
        trouble.cut_off({"kind": "refuse"})

    assert (operation.status, operation.error["code"]) == ("errored", "unreachable")
    assert "the next try ends it first" in operation.error["hint"]
    assert len(trouble.jobs()) == 2  # its folder, and its process, which goes on
    trouble.cut_off()
    trouble.require_remains_named(operation)
    trouble.clean_up(operation)


@pytest.mark.parametrize("at_once", [0, 1 << 30], ids=["large", "small"])
def test_a_portal_that_hosts_can_t_reach_is_waited_for(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(staging, "AT_ONCE", at_once)
    monkeypatch.setattr(staging, "SHORTLY", 0)
    monkeypatch.setattr(Session, "pause", lambda session, seconds: None)
    operation = trouble.ask()
    trouble.forget_files()
    trouble.refuse_fetching(12)

    execute(operation)

    trouble.require_made(operation)
    assert "The connection to the portal was cut; trying again" in trouble.told(operation)


# ---- provisioning
def test_the_reason_is_there_although_nobody_could_ask_until_windows_had_forgotten_it(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shielded_vm, "outcome", with_words(outcome.NO_CATALOG))
    operation = trouble.ask()
    trouble.take_long()

    with trouble.under_way(operation):
        vm = trouble.until_provisioning()
        trouble.cut_off({"kind": "refuse"})
        trouble.until_told(operation, f"{HOST} doesn’t answer")
        trouble.pass_time(vm, 600)
        trouble.until_job_ended()
        trouble.forget_provisioning(vm)
        trouble.cut_off()

    assert (operation.status, operation.error["code"]) == ("failed", "provisioning-failed")
    assert operation.error["host_message"] == outcome.NO_CATALOG
    assert f"{HOST} answers again" in trouble.told(operation)
    trouble.require_remains_named(operation)
    trouble.clean_up(operation)


def test_cancelled_during_provisioning_it_is_named_and_clean_up_removes_it(
    trouble: Trouble,
) -> None:
    operation = trouble.ask()
    trouble.take_long()

    with trouble.under_way(operation):
        trouble.until_provisioning()
        trouble.cancel(operation)

    assert operation.status == "cancelled"
    assert trouble.jobs() == []
    assert [vm.state for vm in trouble.machines()] == ["Off"]
    trouble.require_remains_named(operation)
    trouble.clean_up(operation)


def test_a_host_that_restarts_during_provisioning_ends_it_and_a_retry_makes_it_of_a_fresh_copy(
    trouble: Trouble,
) -> None:
    operation = trouble.ask()
    trouble.take_long()

    with trouble.under_way(operation):
        vm = trouble.until_provisioning()
        trouble.power("off")
        trouble.until_told(operation, f"{HOST} doesn’t answer")
        trouble.power("on")

    assert (operation.status, operation.error["code"]) == ("failed", "provisioning-failed")
    assert "turned off" in operation.error["host_message"]
    assert "fresh copy" in operation.error["hint"]
    trouble.require_remains_named(operation)
    trouble.take_long(0)
    trouble.require_retried_as_another(operation, vm)


@pytest.mark.parametrize("whose", ["the portal’s job", "Windows’ job"])
def test_a_job_that_is_gone_is_no_failure(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    operation = trouble.ask()
    trouble.take_long()
    if whose == "Windows’ job":
        monkeypatch.setattr(provisioning, "KEPT_SECONDS", 0.0)

    with trouble.under_way(operation):
        vm = trouble.until_provisioning()
        if whose == "the portal’s job":
            trouble.lose_jobs()
            trouble.until_told(operation, "it is begun again")
        trouble.pass_time(vm, 600)

    trouble.require_made(operation)
    assert trouble.stage.world.cmdlet_calls["Initialize-ShieldedVM"] == 1


def test_attestation_lost_between_the_steps_gives_no_keys(trouble: Trouble) -> None:
    operation = trouble.ask()
    trouble.spoil({"on": "New-DeploymentVM", "kind": "slow", "seconds": 2, "times": 1})

    with trouble.under_way(operation):
        trouble.until_called("New-DeploymentVM")
        trouble.attest("InsecureHostConfiguration")

    assert (operation.status, operation.error["code"]) == ("failed", "provisioning-failed")
    assert "InsecureHostConfiguration" in operation.error["host_message"]
    assert "attestation" in operation.error["hint"]
    trouble.require_remains_named(operation)
    trouble.attest("Passed")
    trouble.require_retried(operation)


def test_a_tampered_template_is_not_provisioned_and_the_hint_says_not_to_use_it(
    trouble: Trouble,
) -> None:
    operation = trouble.do("contoso-tampered-disk")

    assert (operation.status, operation.error["code"]) == ("failed", "provisioning-failed")
    assert "was changed after the disk was signed" in operation.error["host_message"]
    assert "Don’t use it" in operation.error["hint"]
    trouble.require_remains_named(operation)
    trouble.clean_up(operation)


REASONS = {
    outcome.NO_CATALOG: "isn’t what was signed",
    outcome.BAD_CATALOG: "isn’t what was signed",
    outcome.ALTERED.format("boot image"): "isn’t what was signed",
    outcome.NOT_LISTED.format("Server", "1.0.0.0"): "isn’t meant for this disk",
    outcome.CHANGED_DATA: "Have its owner upload it again",
    outcome.BAD_VALUES: "it is written anew",
    outcome.NO_VALUE.format("@ComputerName@"): "a value for each",
    "The key protector could not be unwrapped. The guardian 'hgs' is not authorized by the owner of"
    " the shielding data.": "name this fabric’s guardian",
    "The product key that was entered is not valid for this edition.": "right one",
    "Es ist ein unbekannter Fehler aufgetreten.": "all end so",
}


def test_each_reason_ends_it_in_the_host_s_words_with_what_mends_it(
    trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reason, fix in REASONS.items():
        monkeypatch.setattr(shielded_vm, "outcome", with_words(reason))

        operation = trouble.do()

        assert (operation.status, operation.error["code"]) == ("failed", "provisioning-failed")
        assert operation.error["message"].startswith(steps.PROVISION)
        assert operation.error["host_message"] == reason
        assert fix in operation.error["hint"]
        trouble.require_remains_named(operation)
        trouble.clean_up(operation)


def test_a_machine_turned_off_in_the_middle_is_made_of_a_fresh_copy(trouble: Trouble) -> None:
    operation = trouble.ask()
    trouble.take_long()

    with trouble.under_way(operation):
        vm = trouble.until_provisioning()
        with trouble.stage.world.locked():
            changes.stop_now(vm)
            trouble.stage.world.changed()

    assert (operation.status, operation.error["code"]) == ("failed", "provisioning-failed")
    assert "fresh copy" in operation.error["hint"]
    trouble.take_long(0)
    trouble.require_retried_as_another(operation, vm)


# ---- any step
def test_a_line_that_is_cut_between_the_steps_is_waited_for(trouble: Trouble) -> None:
    operation = trouble.ask()
    trouble.spoil({"on": "New-DeploymentVM", "kind": "slow", "seconds": 1, "times": 1})

    with trouble.under_way(operation):
        trouble.until_called("New-DeploymentVM")
        trouble.spoil({"on": "Set-DeploymentShielding", "kind": "drop", "times": 2})

    trouble.require_made(operation)
    assert f"{HOST} answers again" in trouble.told(operation)

"""Verbs on a virtual machine, from the API over real WinRM to the lab's world and back."""

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.operations.models import Operation
from apps.vms.models import VirtualMachine
from tests.fabric.fixtures import api, execute, refresh

pytestmark = pytest.mark.django_db(transaction=True)


def in_the_lab(lab, name):
    return next(
        vm for vm in lab.control("GET", "/state")["clusters"][0]["vms"] if vm["name"] == name
    )


def ask(user, vm, verb, body=None):
    return api(user).post(f"/api/v1/virtual-machines/{vm.pk}/{verb}/", body, format="json")


def do(user, vm, verb, body=None):
    answer = ask(user, vm, verb, body)
    assert answer.status_code == 202, answer.content
    return execute(Operation.objects.get(pk=answer.json()["id"]))


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("start", "Off", "running"), ("start", "Saved", "running"), ("shut-down", "Running", "off"),
        ("turn-off", "Paused", "off"), ("save", "Running", "saved"), ("pause", "Running", "paused"),
        ("resume", "Paused", "running"), ("restart", "Running", "running"),
    ],
)  # fmt: skip
def test_a_verb_changes_the_world_and_the_row(cluster, plain, lab, folk, verb, before, after):
    lab.control("POST", "/vms/plain", {"state": before})
    refresh(cluster, folk.admin)

    operation = do(folk.admin, plain, verb)

    assert operation.status == "succeeded", operation.error
    plain.refresh_from_db()
    assert plain.state == after == in_the_lab(lab, "plain")["state"].lower()
    entries = AuditEntry.objects.filter(action=f"vm.{verb}").order_by("index")
    assert [entry.outcome for entry in entries] == ["requested", "succeeded"]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("error", "failed", "script-refused"),
        ("garbage", "errored", "bad-reply"),
        ("drop", "errored", "unreachable"),
    ],
)
def test_what_goes_wrong_on_the_host_is_told_with_what_to_do(plain, lab, folk, kind, status, code):
    fault = {"on": "Set-VMPowerState", "kind": kind, "message": "Out of coffee.", "times": 1}
    lab.host("alpha-1", faults=[fault])

    operation = do(folk.admin, plain, "pause")

    assert (operation.status, operation.error["code"]) == (status, code)
    assert operation.error["message"] and operation.error["hint"]
    assert ("Out of coffee." in operation.error["host_message"]) == (kind == "error")
    assert [step["status"] for step in operation.steps] == ["failed"]
    assert in_the_lab(lab, "plain")["state"] == "Running"


def test_a_second_click_hears_of_the_first(plain, folk):
    first = ask(folk.admin, plain, "pause")

    second = ask(folk.admin, plain, "pause")

    assert (first.status_code, second.status_code) == (202, 409)
    assert second.json()["type"].rstrip("/").endswith("operation-active")
    assert second.json()["operation"]["id"] == first.json()["id"]


@pytest.mark.parametrize("verb", ["start", "resume"])
def test_a_state_that_doesnt_fit_is_refused_in_words(plain, folk, verb):
    answer = ask(folk.admin, plain, verb)

    assert answer.status_code == 409
    assert answer.json()["type"].rstrip("/").endswith("state-forbids")
    assert "running" in answer.json()["detail"]


def test_who_may(plain, folk):
    answers = {
        name: ask(user, plain, "pause").status_code
        for name, user in folk.all().items()
        if name != "admin"
    }

    assert answers == {"guardian": 403, "auditor": 403, "contoso": 404, "fabrikam": 404}


def test_a_tenant_runs_its_own(plain, folk):
    VirtualMachine.objects.filter(pk=plain.pk).update(tenant=folk.contoso_tenant)

    assert do(folk.contoso, plain, "pause").status == "succeeded"
    assert ask(folk.fabrikam, plain, "resume").status_code == 404


def test_a_shielded_vm_doesnt_start_on_a_host_that_failed(cluster, secret, lab, folk):
    lab.control("POST", "/vms/secret", {"state": "Off", "node": "alpha-3"})
    refresh(cluster, folk.admin)

    answer = ask(folk.admin, secret, "start")

    assert answer.status_code == 409
    assert answer.json()["type"].rstrip("/").endswith("placement-refused")
    assert "attest" in answer.json()["detail"]
    assert "alpha-1" in answer.json()["hint"]
    assert in_the_lab(lab, "secret")["state"] == "Off"


def test_attestation_lost_after_the_click_fails_the_start(cluster, secret, lab, folk):
    lab.control("POST", "/vms/secret", {"state": "Off"})
    refresh(cluster, folk.admin)
    asked = ask(folk.admin, secret, "start")
    lab.host("alpha-2", attestation={"status": "InsecureHostConfiguration", "sub_status": []})

    operation = execute(Operation.objects.get(pk=asked.json()["id"]))

    assert operation.status == "failed"
    assert operation.error["hint"] and operation.error["host_message"]
    assert in_the_lab(lab, "secret")["state"] == "Off"


def test_a_vm_that_moved_behind_the_portals_back_is_found(plain, lab, folk):
    lab.control("POST", "/vms/plain", {"node": "alpha-2"})

    operation = do(folk.admin, plain, "pause")

    assert operation.status == "succeeded", operation.error
    plain.refresh_from_db()
    assert (plain.state, plain.host.name) == ("paused", "alpha-2")


def test_a_killed_worker_doesnt_restart_a_guest_twice(plain, lab, folk):
    asked = ask(folk.admin, plain, "restart")
    kept = {"before": {"ran": 3600, "at": timezone.now().isoformat()}}
    Operation.objects.filter(pk=asked.json()["id"]).update(attempt=1, result=kept)
    before = lab.control("GET", "/state")["calls"]["cmdlets"].get("Restart-VM", 0)
    lab.control("POST", "/vms/plain", {"state": "Off"})
    lab.control("POST", "/vms/plain", {"state": "Running"})

    operation = execute(Operation.objects.get(pk=asked.json()["id"]))

    after = lab.control("GET", "/state")["calls"]["cmdlets"].get("Restart-VM", 0)
    assert operation.status == "succeeded", operation.error
    assert after == before


def test_a_live_move_keeps_it_running(secret, lab, folk):
    host = secret.cluster.hosts.get(name="alpha-1")

    operation = do(folk.admin, secret, "move", {"host": str(host.pk), "type": "live"})

    assert operation.status == "succeeded", operation.error
    assert in_the_lab(lab, "secret")["node"] == "alpha-1"
    secret.refresh_from_db()
    assert (secret.state, secret.host_id) == ("running", host.pk)


def test_no_move_to_a_host_that_failed(secret, lab, folk):
    host = secret.cluster.hosts.get(name="alpha-3")

    answer = ask(folk.admin, secret, "move", {"host": str(host.pk), "type": "live"})

    assert answer.status_code == 409
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["host-not-attested"]
    assert in_the_lab(lab, "secret")["node"] == "alpha-2"


def test_placements_tell_each_hosts_reason_and_fix(secret, lab, folk):
    rows = api(folk.auditor).get(f"/api/v1/virtual-machines/{secret.pk}/placements/").json()

    told = {row["host"]["name"]: [reason["code"] for reason in row["reasons"]] for row in rows}
    assert told == {"alpha-1": [], "alpha-2": ["same-host"], "alpha-3": ["host-not-attested"]}
    assert all(reason["fix"] for row in rows for reason in row["reasons"])


def test_hardware_changes_while_it_is_off(cluster, plain, lab, folk):
    path = f"/api/v1/virtual-machines/{plain.pk}/"
    refused = api(folk.admin).patch(path, {"processors": 4}, format="json")
    lab.control("POST", "/vms/plain", {"state": "Off"})
    refresh(cluster, folk.admin)

    answer = api(folk.admin).patch(path, {"processors": 4, "memory_bytes": 3 << 30}, format="json")
    operation = execute(Operation.objects.get(pk=answer.json()["id"]))

    assert refused.status_code == 409
    assert operation.status == "succeeded", operation.error
    plain.refresh_from_db()
    assert (plain.processors, plain.memory_bytes) == (4, 3 << 30)


def test_a_checkpoint_is_taken_listed_and_applied(plain, lab, folk):
    taken = do(folk.admin, plain, "checkpoints", {"name": "before"})
    path = f"/api/v1/virtual-machines/{plain.pk}/checkpoints/"
    api(folk.admin).get(path)
    execute(Operation.objects.filter(kind="vm.read").latest("created_at"))
    listed = api(folk.admin).get(path).json()["results"]

    applied = do(folk.admin, plain, f"checkpoints/{listed[0]['id']}/apply")

    assert taken.status == applied.status == "succeeded", applied.error
    assert [one["name"] for one in listed] == ["before"]


def test_deleting_takes_it_off_but_for_one_that_runs(cluster, plain, lab, folk):
    path = f"/api/v1/virtual-machines/{plain.pk}/"
    refused = api(folk.admin).delete(path)
    lab.control("POST", "/vms/plain", {"state": "Off"})
    refresh(cluster, folk.admin)

    answer = api(folk.admin).delete(path)
    operation = execute(Operation.objects.get(pk=answer.json()["id"]))

    assert refused.status_code == 409
    assert operation.status == "succeeded", operation.error
    assert not VirtualMachine.objects.filter(pk=plain.pk).exists()
    assert [vm["name"] for vm in lab.control("GET", "/state")["clusters"][0]["vms"]] == ["secret"]

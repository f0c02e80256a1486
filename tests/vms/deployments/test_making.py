"""Deployments on the lab's hosts, from the request to what the lab then holds."""

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.common.errors import InUse
from apps.library import uploads
from apps.library.models import Pair, ShieldingData, TemplateDisk
from apps.operations import reaper
from apps.operations.models import Operation
from apps.vms.deployments import steps
from apps.vms.deployments.models import Deployment
from apps.vms.models import VirtualMachine
from tests.fabric.fixtures import api as client_of
from tests.fabric.fixtures import execute
from tests.library import bringing
from tests.serving import served
from tests.vms.deployments.makers import KEYS, item, regular, shielded
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v1/deployments/"


@pytest.fixture
def api(folk):
    return client_of(folk.admin)


@pytest.fixture
def body(cluster) -> dict[str, Any]:
    """A regular VM on alpha-1."""
    return regular(cluster, **where(cluster))


def where(cluster) -> dict[str, str]:
    return {
        "host": str(cluster.hosts.get(name="alpha-1").pk),
        "volume": str(cluster.volumes.get(name="One").pk),
        "virtual_switch": str(cluster.virtual_switches.get(name="Wide").pk),
    }


def vm_in(lab, name: str = "new-01") -> dict[str, Any] | None:
    vms = lab.control("GET", "/state")["clusters"][0]["vms"]
    return next((vm for vm in vms if vm["name"] == name), None)


def drives_in(lab, name: str = "new-01") -> list[str]:
    """What lies in the DVD drives of a VM, as the lab saved it."""
    world = Path(lab.facts["ca_certificate"]).parents[2] / "world.json"
    vms = json.loads(world.read_text())["clusters"][0]["vms"]
    return [path for vm in vms if vm["name"] == name for path in vm["dvds"]]


def files_in(lab) -> set[str]:
    volumes = lab.control("GET", "/state")["clusters"][0]["volumes"]
    return {file["path"] for volume in volumes for file in volume["files"]}


def made(api, body) -> tuple[Operation, dict[str, Any]]:
    """The deployment's operation once it ended, and its row."""
    row = api.post(PATH, body).json()
    operation = execute(Operation.objects.get(pk=row["operation"]["id"]))
    return operation, api.get(row["url"]).json()


def breaks(lab, *cmdlets: str) -> None:
    faults = [{"on": on, "kind": "error", "message": "It broke.", "times": 9} for on in cmdlets]
    lab.host("alpha-1", faults=faults)


def test_a_preflight_asks_the_host_and_changes_nothing(api, body, lab):
    before = lab.control("GET", "/state") | {"calls": None}

    found = api.post(PATH + "preflight/", body).json()

    assert found["ok"], found["checks"]
    assert {place["host"]["name"] for place in found["placements"]} == {
        "alpha-1",
        "alpha-2",
        "alpha-3",
    }
    assert lab.control("GET", "/state") | {"calls": None} == before
    assert not Deployment.objects.exists()


def test_a_regular_vm_is_made_of_sizes_added_to_the_cluster_and_started(api, body, lab):
    operation, row = made(api, body)

    assert operation.status == "succeeded", operation.error
    vm = vm_in(lab)
    assert (vm["state"], vm["clustered"], vm["protection"]) == ("Running", True, "None")
    assert row["virtual_machine"]["name"] == "new-01"
    assert VirtualMachine.objects.get(name="new-01").state == "running"
    assert row["leftovers"] == []


def test_a_vm_with_an_iso_image_has_it_in_its_drive_from_the_volume(api, body, lab, folk, settings):
    content = b"An image that is installed from." * 999
    iso = bringing.bring(folk.contoso, "iso", content, "setup.iso")
    with served() as port:
        settings.FABRIC_CONTENT_URL = f"http://127.0.0.1:{port}"
        settings.FABRIC_CONTENT_CA = "/nowhere"
        operation, row = made(api, body | {"iso": str(iso.pk)})

    assert operation.status == "succeeded", operation.error
    path = rf"C:\ClusterStorage\One\FabricPortal\library\{iso.sha256}.iso"
    wait_for(lambda: drives_in(lab) == [path], "the image is in the drive of the saved world")
    assert path in files_in(lab)
    assert row["iso"]["name"] == "setup.iso"
    with pytest.raises(InUse, match="new-01"):
        bringing.atomically(uploads.terminate, actor=folk.contoso, upload=iso)


def test_a_failure_names_its_step_the_host_s_words_and_what_is_left_and_clean_up_removes_it(
    api, body, lab
):
    files = files_in(lab)
    breaks(lab, "Add-ClusterVirtualMachineRole")

    operation, row = made(api, body)

    assert operation.status == "failed"
    assert operation.error["message"].startswith(steps.CLUSTER)
    assert "It broke." in operation.error["host_message"]
    assert "Clean up" in operation.error["hint"]
    assert {one["kind"] for one in row["leftovers"]} == {"virtual-machine", "folder"}
    assert vm_in(lab)
    answer = api.post(row["url"] + "clean-up/")
    assert answer.status_code == 202
    cleaned = execute(Operation.objects.get(pk=answer.json()["id"]))
    assert cleaned.status == "succeeded", cleaned.error
    assert vm_in(lab) is None
    assert files_in(lab) == files
    assert api.get(row["url"]).json()["leftovers"] == []
    assert api.post(row["url"] + "clean-up/").status_code == 204


def test_a_failure_before_anything_was_made_leaves_nothing(api, body, lab):
    breaks(lab, "Test-DeploymentTarget")

    operation, row = made(api, body)

    assert operation.status == "failed"
    assert row["leftovers"] == []
    assert vm_in(lab) is None


def test_a_retry_removes_what_the_failure_left_and_makes_it_anew(api, body, lab):
    breaks(lab, "Add-ClusterVirtualMachineRole")
    operation, _ = made(api, body)
    lab.host("alpha-1", faults=[])
    first = vm_in(lab)["id"]

    again = api.post(f"/api/v1/operations/{operation.pk}/retry/").json()

    done = execute(Operation.objects.get(pk=again["id"]))
    assert done.status == "succeeded", done.error
    assert vm_in(lab)["state"] == "Running"
    assert vm_in(lab)["id"] != first


@pytest.fixture
def pair(folk) -> tuple[TemplateDisk, ShieldingData]:
    tenant = folk.contoso_tenant
    disk = item(TemplateDisk, tenant, "template-disk")
    data = item(
        ShieldingData, tenant, "shielding-data", policy="shielded", purpose="new-vm",
        substitution_keys=KEYS,
    )  # fmt: skip
    Pair.objects.create(tenant=tenant, template_disk=disk, shielding_data=data, applicable=True)
    return disk, data


def _work_until(operation: Operation, event: int, settings: Any) -> None:
    """In a process that kills itself while it writes the event of this number."""
    module = "tests.vms.deployments.dying_worker"
    subprocess.run(
        [sys.executable, "-m", module, str(operation.pk), str(event)],
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "tests.operations.worker_settings",
            "TEST_RUN_DATABASE": str(settings.DATABASES["default"]["NAME"]),
        },
        cwd=settings.BASE_DIR,
        check=False,
    )


def _resume(operation: Operation) -> None:
    """As the reaper does once the heartbeat is old, and as the next worker does."""
    lost = Operation.objects.filter(pk=operation.pk, status="running")
    lost.update(heartbeat_at=timezone.now() - datetime.timedelta(minutes=1))
    reaper.reap()
    execute(operation)


@pytest.mark.parametrize("event", [4, 6, 8, 10, 12, 14, 16])
def test_a_worker_killed_anywhere_is_followed_by_one_that_ends_the_work_once(
    api, body, lab, settings, event
):
    row = api.post(PATH, body).json()
    operation = Operation.objects.get(pk=row["operation"]["id"])

    _work_until(operation, event, settings)
    _resume(operation)

    assert operation.status == "succeeded", operation.error
    vms = lab.control("GET", "/state")["clusters"][0]["vms"]
    assert [vm["name"] for vm in vms].count("new-01") == 1
    assert {step["status"] for step in operation.steps} == {"succeeded"}


def test_a_host_that_fails_attestation_after_the_request_ends_it_with_the_reason(
    api, cluster, lab, pair
):
    row = api.post(PATH, shielded(cluster, *pair, **where(cluster))).json()
    lab.host("alpha-1", attestation={"status": "InsecureHostConfiguration", "sub_status": []})

    operation = execute(Operation.objects.get(pk=row["operation"]["id"]))

    assert (operation.status, operation.error["code"]) == ("failed", "host-not-attested")
    assert vm_in(lab) is None

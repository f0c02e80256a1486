import pytest

from apps.common.errors import Conflict, InUse
from apps.fabric import credentials
from apps.fabric.models import Cluster
from apps.fabric.selectors import owner_of_credential
from apps.library import items, scrub, uploads, usage
from apps.library.models import TemplateDisk
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.vms.deployments import names, services, steps
from apps.vms.deployments.models import Deployment
from apps.vms.deployments.plans import Plan
from apps.vms.models import VirtualMachine
from tests.vms.deployments.makers import GIB, KEYS, image, regular, shielded

pytestmark = pytest.mark.django_db
PATH = "/api/v1/deployments/"
DIRECTORIES = {"template-disk": "template-disks", "shielding-data": "shielding-data"}


def test_a_deployment_is_answered_with_its_row_and_the_operation_that_makes_it(
    admin_api, fabric, disk, data
):
    answer = admin_api.post(PATH, shielded(fabric, disk, data))

    row = answer.json()
    assert answer.status_code == 202, row
    operation = Operation.objects.get(kind="deployment.deploy")
    assert answer.headers["Location"] == f"/api/v1/operations/{operation.pk}/"
    assert (row["name"], row["status"], row["host"]["name"]) == ("new-01", "queued", "alpha-1")
    assert row["tenant"]["name"] == "contoso"
    assert row["leftovers"] == []
    assert row["virtual_machine"] is None
    steps = [step["name"] for step in operation.steps]
    assert len(steps) == 10
    assert operation.parameters == {}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x" * 200}, "name"),
        ({"name": 'a"b'}, "name"),
        ({"name": "a/b"}, "name"),
        ({"processors": 0}, "processors"),
        ({"processors": 10**30}, "processors"),
        ({"memory_bytes": 1}, "memory_bytes"),
        ({"memory_bytes": GIB + 1}, "memory_bytes"),
        ({"disk_size_bytes": None}, "disk_size_bytes"),
        ({"disk_size_bytes": 1000}, "disk_size_bytes"),
        ({"specialization": {"@A@": "x"}}, "specialization"),
        ({"volume": "nonsense"}, "volume"),
        ({"host": None, "cluster": None}, "cluster"),
    ],
)
def test_what_no_vm_can_be_is_refused_naming_the_field(admin_api, fabric, changes, field):
    answer = admin_api.post(PATH, regular(fabric, **changes))

    assert answer.status_code == 400
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert not Deployment.objects.exists()


def test_values_that_the_answer_file_asks_for_are_named_where_they_lack(
    admin_api, fabric, disk, data
):
    body = shielded(fabric, disk, data, specialization={KEYS[0]: "A"})

    answer = admin_api.post(PATH, body)

    assert answer.status_code == 400
    assert KEYS[1] in answer.json()["detail"]


def test_a_disk_that_rotted_in_the_store_is_refused_with_that_reason(admin_api, fabric, disk, data):
    type(disk).objects.update(status="refused", problems=[scrub.problem()])

    answer = admin_api.post(PATH, shielded(fabric, disk, data))

    assert answer.status_code == 400 and not Deployment.objects.exists()
    assert "no longer what arrived" in answer.json()["detail"]


@pytest.mark.parametrize("applicable", [False, None])
def test_a_pair_that_does_not_apply_or_is_not_known_to_is_refused(
    admin_api, fabric, disk, data, applicable
):
    data.pairs.update(applicable=applicable, reason_code="x", reason_message="It is another one.")

    answer = admin_api.post(PATH, shielded(fabric, disk, data))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "shielding_data"


def test_a_host_that_failed_attestation_is_refused_with_the_reason(admin_api, fabric, disk, data):
    host = fabric.hosts.get(name="alpha-2")

    answer = admin_api.post(PATH, shielded(fabric, disk, data, host=str(host.pk)))

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/placement-refused/")
    assert answer.json()["reasons"][0]["code"] == "host-not-attested"
    assert not Operation.objects.exists()


def test_a_regular_vm_may_be_made_on_a_host_that_is_not_attested(admin_api, fabric):
    host = fabric.hosts.get(name="alpha-2")

    assert admin_api.post(PATH, regular(fabric, host=str(host.pk))).status_code == 202


def test_a_name_is_free_once(admin_api, fabric):
    VirtualMachine.objects.create(
        cluster=fabric, name="New-02", vm_id="00000000-0000-0000-0000-000000000001"
    )
    assert admin_api.post(PATH, regular(fabric, name="new-02")).status_code == 400
    assert admin_api.post(PATH, regular(fabric)).status_code == 202

    again = admin_api.post(PATH, regular(fabric, name="NEW-01"))

    assert again.json()["errors"][0]["code"] == "taken"


def test_who_may_deploy_what(
    contoso_api, fabrikam_api, auditor_api, guardian_api, anonymous_api, fabric, disk, data
):
    body = shielded(fabric, disk, data)

    assert auditor_api.post(PATH, {}).status_code == 403
    assert guardian_api.post(PATH, {}).status_code == 403
    assert anonymous_api.post(PATH, body).status_code == 401
    assert fabrikam_api.post(PATH, body).status_code == 400
    assert contoso_api.post(PATH, regular(fabric)).status_code == 400
    answer = contoso_api.post(PATH, body)
    assert answer.status_code == 202
    address = answer.json()["url"]
    assert contoso_api.get(address).status_code == 200
    assert fabrikam_api.get(address).status_code == 404


def test_a_tenant_deploys_within_its_quota(contoso_api, fabric, disk, data, people):
    people.contoso_tenant.quota_vms = 0
    people.contoso_tenant.save()

    answer = contoso_api.post(PATH, shielded(fabric, disk, data))

    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/quota-exceeded/")


def test_a_full_volume_is_no_space(admin_api, fabric, disk, data):
    fabric.volumes.update(free_bytes=GIB)

    assert admin_api.post(PATH, shielded(fabric, disk, data)).status_code == 507


def test_what_is_being_made_of_a_file_is_told_as_its_use(admin_api, fabric, disk, data):
    admin_api.post(PATH, shielded(fabric, disk, data))

    uses = usage.of("template-disk", [disk.pk])[disk.pk]

    assert [(use["kind"], use["name"]) for use in uses] == [("deployment", "new-01")]


@pytest.fixture
def asked(fabric):
    """The cluster with a credential, so that its host can be asked and doesn't answer."""
    fabric.username = "ops"
    fabric.password_envelope = credentials.seal("x", owner=owner_of_credential(fabric))
    fabric.save()
    fabric.hosts.update(address="127.0.0.1")
    return fabric


def test_an_iso_image_goes_beside_an_empty_disk_and_can_not_be_deleted_then(
    admin_api, asked, iso, people
):
    body = regular(asked, iso=str(iso.pk))
    lines = admin_api.post(PATH + "preflight/", body).json()["checks"]
    line = next(one for one in lines if one["id"] == "iso")
    assert (line["ok"], line["message"]) == (True, "ISO image setup.iso is usable.")

    answer = admin_api.post(PATH, body)

    assert answer.status_code == 202, answer.json()
    assert answer.json()["iso"] == {"id": str(iso.pk), "name": "setup.iso"}
    assert answer.json()["tenant"]["name"] == "contoso", "whose file it is made of"
    names = [step["name"] for step in Operation.objects.get().steps]
    assert names[:3] == [steps.CHECK, steps.BRING_ISO, steps.CREATE]
    with pytest.raises(InUse, match="new-01"):
        uploads.terminate(actor=people.contoso, upload=iso)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "verifying"},
        {"kind": "disk", "filename": "data.vhdx"},
        {"file": None},
        {"disk_size_bytes": None},
        {"template_disk": True},
        {"shielding_data": True},
        {"iso": "00000000-0000-0000-0000-000000000001"},
        {"iso": "nonsense"},
    ],
)
@pytest.mark.parametrize("path", [PATH, PATH + "preflight/"])
def test_an_iso_image_that_can_not_be_used_is_named(
    admin_api, asked, disk, data, people, changes, path
):
    files = {"template_disk": str(disk.pk), "shielding_data": str(data.pk)}
    body_keys = (*files, "disk_size_bytes", "iso")
    body = {k: files.get(k, v) for k, v in changes.items() if k in body_keys}
    upload = image(people.contoso_tenant, **{k: v for k, v in changes.items() if k not in body})

    answer = admin_api.post(path, regular(asked, **{"iso": str(upload.pk)} | body))

    if path == PATH or body:
        assert answer.status_code == 400
        assert "iso" in [error["field"] for error in answer.json()["errors"]]
    else:
        assert not answer.json()["ok"]
        line = next(one for one in answer.json()["checks"] if one["id"] == "iso")
        assert not line["ok"] and line["message"].startswith("ISO image") and line["fix"]
    assert not Deployment.objects.exists()


def test_a_tenant_starts_an_empty_disk_from_its_own_iso_image_only(
    contoso_api, fabrikam_api, fabric, iso
):
    body = regular(fabric, iso=str(iso.pk))

    refused = fabrikam_api.post(PATH, body)

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "iso")
    assert contoso_api.post(PATH, body).json()["tenant"]["name"] == "contoso"


def test_a_retry_without_the_iso_image_that_was_asked_for_is_refused(admin_api, fabric, iso, admin):
    admin_api.post(PATH, regular(fabric, iso=str(iso.pk)))
    operation = Operation.objects.get()
    operations.cancel(actor=admin, operation=operation)
    uploads.terminate(actor=admin, upload=iso)

    assert admin_api.post(f"/api/v1/operations/{operation.pk}/retry/").status_code == 409


@pytest.mark.parametrize("lost", ["disk", "data"])
def test_a_retry_without_its_template_or_shielding_data_is_refused(
    admin_api, fabric, disk, data, admin, lost
):
    """Else it would make a machine without protection."""
    admin_api.post(PATH, shielded(fabric, disk, data))
    operation = Operation.objects.get()
    operations.cancel(actor=admin, operation=operation)
    gone = {"disk": disk, "data": data}[lost]
    assert admin_api.delete(f"/api/v1/{DIRECTORIES[gone.noun]}/{gone.pk}/").status_code == 204

    assert admin_api.post(f"/api/v1/operations/{operation.pk}/retry/").status_code == 409
    assert Operation.objects.count() == 1


def test_what_a_vm_was_made_of_is_needed_wherever_the_vm_is_now(admin_api, fabric, disk, data):
    """A VM that moved to another cluster has another row; deleting is refused with its name."""
    row = admin_api.post(PATH, shielded(fabric, disk, data)).json()
    vm_id = "00000000-0000-0000-0000-000000000007"
    Deployment.objects.filter(pk=row["id"]).update(status="succeeded", vm_id=vm_id)
    Operation.objects.update(status="succeeded")
    there = Cluster.objects.create(
        name="beta", address="127.0.0.1", port=2, use_tls=False, transport="ntlm"
    )
    vm = VirtualMachine.objects.create(cluster=there, name="moved-01", vm_id=vm_id)

    for item in (disk, data):
        address = f"/api/v1/{DIRECTORIES[item.noun]}/{item.pk}/"
        answer = admin_api.delete(address)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/in-use/")
        assert answer.json()["used_by"] == [{"kind": "vm", "id": str(vm.pk), "name": "moved-01"}]
        assert "moved-01" in answer.json()["detail"]
        assert admin_api.get(address).json()["used_by"] == answer.json()["used_by"]
    vm.delete()
    assert admin_api.delete(f"/api/v1/template-disks/{disk.pk}/").status_code == 204


def test_a_file_that_is_deleted_while_it_is_chosen_is_a_conflict(fabric, disk, data, admin):
    plan = Plan(
        name="new", cluster=fabric, volume=fabric.volumes.get(), processors=1,
        memory_bytes=GIB, template_disk=disk,
    )  # fmt: skip
    items.delete(actor=admin, item=TemplateDisk.objects.get(pk=disk.pk))

    with pytest.raises(Conflict, match="was deleted just now"):
        services.deploy(actor=admin, plan=plan)


def test_a_cancelled_one_left_nothing_and_can_be_retried(admin_api, fabric, admin):
    row = admin_api.post(PATH, regular(fabric)).json()
    operation = Operation.objects.get()
    operations.cancel(actor=admin, operation=operation)

    assert admin_api.get(row["url"]).json()["status"] == "cancelled"
    assert admin_api.post(row["url"] + "clean-up/").status_code == 204
    again = admin_api.post(f"/api/v1/operations/{operation.pk}/retry/")
    assert again.status_code == 202
    assert admin_api.get(row["url"]).json()["operation"]["id"] == again.json()["id"]
    assert admin_api.post(f"/api/v1/operations/{operation.pk}/retry/").status_code == 409


@pytest.mark.parametrize("name", ["app-01", "Zażółć 7", "x" * 100, "a.b"])
def test_names_that_windows_takes(name):
    assert names.fault(name) == ""


@pytest.mark.parametrize("name", ["", "  ", "a ", "a.", "CON", "lpt1.x", "a:b", "a\x00", "a\u200b"])
def test_names_that_windows_does_not_take(name):
    assert names.fault(name)

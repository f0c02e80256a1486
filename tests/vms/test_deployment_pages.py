import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.fabric import credentials
from apps.fabric.models import Cluster
from apps.fabric.selectors import owner_of_credential
from apps.library.models import Pair
from apps.operations.models import Operation
from apps.vms.deployments.models import Deployment
from apps.vms.models import VirtualMachine
from tests.ui.test_components import Rules
from tests.vms.deployments.makers import GIB, data, disk, fabric, iso

__all__ = ["data", "disk", "fabric", "iso"]
pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
NEW = "/deployments/new/"


def of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def filled(fabric: Cluster, **changes) -> dict[str, str]:
    """What the form sends for a VM from sizes alone."""
    given = {
        "kind": "blank", "name": "new-01", "processors": "2", "memory_gib": "4",
        "disk_gib": "40", "cluster": str(fabric.pk), "volume": str(fabric.volumes.get().pk),
        "virtual_switch": str(fabric.virtual_switches.get().pk), "start": "on",
    }  # fmt: skip
    return given | changes


def sealed(fabric: Cluster, data, **changes) -> dict[str, str]:
    """What the form sends for a VM from a pair."""
    values = {"value-ComputerName": "new-01", "value-ProductKey": "K"}
    return filled(fabric, kind="shielded", pair=str(data.pairs.get().pk), **values | changes)


@pytest.fixture
def failed(fabric, disk, data, people) -> Deployment:
    """Refused by its host half-way, with something left there."""
    found = Deployment.objects.create(
        name="new-01", cluster=fabric, host=fabric.hosts.first(), volume=fabric.volumes.get(),
        template_disk=disk, shielding_data=data, tenant=disk.tenant, processors=2,
        memory_bytes=GIB, status="failed", folder=r"C:\ClusterStorage\One\new-01",
    )  # fmt: skip
    found.leftovers = [found.leftover("folder", found.folder, found.folder)]
    found.operation = Operation.objects.create(
        kind="deployment.deploy", target_kind="deployment", target_id=str(found.pk),
        target_name="new-01", actor=people.contoso, actor_name="contoso", tenant=disk.tenant,
        title="Deploy new-01", status="failed", started_at=timezone.now(),
        ended_at=timezone.now(),
        steps=[
            {"name": "Check again", "status": "succeeded", "progress": 100, "message": ""},
            {"name": "Provision", "status": "failed", "progress": 0, "message": ""},
        ],
        error={"code": "provisioning-failed", "message": "It couldn’t be provisioned.",
               "hint": "Mend it, then retry.", "host_message": "<i>0xC0370029</i>"},
    )  # fmt: skip
    found.save()
    return found


def test_every_page_keeps_to_the_rules_of_a_strict_page(failed, disk, people):
    for person in (people.admin, people.contoso, people.auditor):
        client = of(person)
        addresses = ["/deployments/", reverse("deployments:detail", args=[failed.pk])]
        if person != people.auditor:
            addresses += [NEW, f"{NEW}?template_disk={disk.pk}", f"{NEW}?kind=blank"]
        for address in addresses:
            page = client.get(address)
            assert page.status_code == 200, (person, address)
            assert Rules(page.content.decode()).faults() == [], (person, address)
    assert of(people.auditor).get(NEW).status_code == 403
    assert of(people.guardian).get("/deployments/").status_code == 403


def test_another_tenant_s_deployment_is_not_there(failed, people):
    client = of(people.fabrikam)
    address = reverse("deployments:detail", args=[failed.pk])

    assert client.get(address).status_code == 404
    assert client.get(f"{address}row/").status_code == 404
    for verb in ("cancel", "retry", "clean-up"):
        assert client.post(f"{address}{verb}/").status_code == 404
        assert of(people.auditor).post(f"{address}{verb}/").status_code == 403
    assert "new-01" not in client.get("/deployments/").content.decode()


def test_a_failure_names_its_step_the_host_s_words_what_is_left_and_the_ways_out(failed, people):
    client = of(people.contoso)
    address = reverse("deployments:detail", args=[failed.pk])

    page = client.get(address).content.decode()
    part = client.get(address, headers=HTMX).content.decode()

    for words in ("Step 2, “Provision”", "&lt;i&gt;0xC0370029", "Mend it", "Failed at step 2 of 2"):
        assert words in page and words in part
    assert f"{address}retry/" in page and f"{address}clean-up/" in page
    assert f'data-nudge="deployment:{failed.pk} operation:{failed.operation_id}"' in part


def test_clean_up_and_retry_lead_back_to_the_page_and_can_not_both_be_had(failed, people):
    client = of(people.contoso)
    address = reverse("deployments:detail", args=[failed.pk])

    assert client.post(f"{address}clean-up/").headers["Location"] == address
    page = client.get(address).content.decode()

    assert Operation.objects.get(kind="deployment.clean-up").actor == people.contoso
    assert "Cleaning up" in page and f"{address}retry/" not in page
    assert client.post(f"{address}retry/").status_code == 409


def test_a_retry_shows_its_own_steps_on_the_same_page(failed, people):
    client = of(people.contoso)
    address = reverse("deployments:detail", args=[failed.pk])

    assert client.post(f"{address}retry/").headers["Location"] == address
    again = Operation.objects.get(retry_of=failed.operation)
    page = client.get(address).content.decode()

    assert f"operation:{again.pk}" in page and "Remove what the last try left" in page
    assert f"{address}cancel/" in page
    client.post(f"{address}cancel/")
    again.refresh_from_db()
    assert again.status == "cancelled"


def test_a_pair_in_the_address_is_chosen_and_its_values_are_asked_for(fabric, disk, data, people):
    address = f"{NEW}?template_disk={disk.pk}&shielding_data={data.pk}"
    text = of(people.contoso).get(address).content.decode()

    assert f'<option value="{data.pairs.get().pk}" selected' in text
    assert "Computer name" in text and 'name="value-ProductKey"' in text
    assert "1 of 2 hosts can take it" in text and "failed attestation" in text
    assert "Set-DeploymentShielding.ps1" in text
    assert 'value="blank"' not in text, "a tenant deploys from its own library"
    assert of(people.fabrikam).get(address).content.decode().count(str(disk.pk)) == 0
    assert of(people.contoso).get(f"{NEW}?template_disk=nothing").status_code == 400


def test_an_admin_deploys_an_empty_disk_and_a_tenant_its_pair(fabric, data, people):
    blank = of(people.admin).post(NEW, filled(fabric))
    shielded = of(people.contoso).post(NEW, sealed(fabric, data, name="new-02"))

    first, second = Deployment.objects.order_by("created_at")
    assert blank.headers["Location"] == f"/deployments/{first.pk}/"
    assert (first.disk_size_bytes, first.memory_bytes, first.start) == (40 * GIB, 4 * GIB, True)
    assert shielded.headers["Location"] == f"/deployments/{second.pk}/"
    assert second.specialization == {"@ComputerName@": "new-01", "@ProductKey@": "K"}
    assert (second.tenant, second.host.name) == (people.contoso_tenant, "alpha-1")


def test_an_empty_disk_is_started_from_an_iso_image_where_there_is_one(fabric, iso, people):
    own, other = of(people.contoso), of(people.fabrikam)
    page = own.get(f"{NEW}?kind=blank").content.decode()

    assert Rules(page).faults() == []
    assert "ISO image to start from" in page and f'<option value="{iso.pk}">setup.iso' in page
    assert 'value="blank"' not in other.get(NEW).content.decode()
    body = filled(fabric)
    chosen = own.post(f"{NEW}fields/", body | {"iso": str(iso.pk)}, headers=HTMX).content.decode()
    assert f'<option value="{iso.pk}" selected' in chosen and "Receive-Content.ps1" in chosen
    assert own.post(NEW, body).status_code == 422, "a tenant deploys from its own library"
    made = own.post(NEW, body | {"iso": str(iso.pk)}).headers["Location"]
    assert Deployment.objects.get().iso == iso
    assert "setup.iso" in own.get(made).content.decode()
    assert of(people.admin).post(NEW, body | {"name": "new-02"}).status_code == 302
    assert Deployment.objects.get(name="new-02").iso is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "a/b"}, "which no folder on Windows may"),
        ({"name": ""}, "This field is required."),
        ({"memory_gib": "99999"}, "A VM has 32 MiB to 12 TiB of memory."),
        ({"processors": "0"}, "1 to 240 processors"),
        ({"disk_gib": ""}, "This field is required."),
        ({"volume": "x"}, "is not a valid UUID"),
        ({"memory_gib": "60"}, "alpha-1 has 32.0 GiB free"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_done(fabric, people, wrong, words):
    answer = of(people.admin).post(NEW, filled(fabric, **wrong))

    assert answer.status_code == 422
    text = answer.content.decode()
    assert words in text and Rules(text).faults() == []
    assert not Deployment.objects.exists()


def test_a_missing_value_is_told_at_its_own_field(fabric, data, people):
    answer = of(people.contoso).post(NEW, sealed(fabric, data, **{"value-ProductKey": " "}))

    assert answer.status_code == 422
    text = answer.content.decode().split('name="value-ProductKey"')[1]
    assert "The answer file asks for @ProductKey@." in text.split('class="field"')[0]


def test_a_preflight_answers_at_once_and_then_asks_the_host(fabric, data, people):
    client = of(people.contoso)
    fabric.password_envelope = credentials.seal("x", owner=owner_of_credential(fabric))
    fabric.username = "ops"
    fabric.save()
    fabric.hosts.update(address="127.0.0.1")
    body = sealed(fabric, data)

    first = client.post(f"{NEW}preflight/", body, headers=HTMX).content.decode()
    then = client.post(f"{NEW}preflight/", body | {"ask": "host"}, headers=HTMX).content.decode()

    assert "alpha-1 is being asked…" in first and 'hx-trigger="load"' in first
    assert "new-01 is free in alpha." in first and "failed attestation" in first
    assert "alpha-1 can’t be asked" in then and 'hx-trigger="load"' not in then
    assert not Deployment.objects.exists() and not Operation.objects.exists()


def test_a_preflight_of_a_form_half_filled_in_says_what_is_missing(fabric, people):
    body = filled(fabric, name="", processors="many")
    text = of(people.admin).post(f"{NEW}preflight/", body, headers=HTMX).content.decode()

    assert "Name: not given yet" in text and "Enter a whole number." in text
    assert "2 of 2 hosts can take it" in text
    assert of(people.auditor).post(f"{NEW}preflight/", body).status_code == 403
    assert of(people.admin).get(f"{NEW}preflight/").status_code == 405


def test_fields_follow_the_kind_and_keep_what_was_written(fabric, data, people):
    client = of(people.admin)
    body = sealed(fabric, data)
    del body["start"]

    shielded = client.post(f"{NEW}fields/", body, headers=HTMX)
    blank = client.post(f"{NEW}fields/", body | {"kind": "blank"}, headers=HTMX).content.decode()

    assert shielded.headers["HX-Trigger"] == "fabric:deploy-fields"
    text = shielded.content.decode()
    assert 'value="K"' in text and "This field is required." not in text
    volume = fabric.volumes.create(name="Zwei", path="C:\\Z", free_bytes=90 * GIB)
    other = client.post(f"{NEW}fields/", body | {"volume": ""}, headers=HTMX).content.decode()
    assert f'<option value="{volume.pk}" selected' in other, "the emptiest of the cluster"
    assert "Set-DeploymentShielding" in text and "Set-DeploymentShielding" not in blank
    assert 'name="disk_gib"' in blank and "value-ProductKey" not in blank
    assert "checked" not in blank.split('name="start"')[1].split(">")[0]


def test_the_list_costs_the_same_queries_for_any_number_and_filters(
    failed, fabric, people, django_assert_max_num_queries
):
    for number in range(30):
        Deployment.objects.create(
            name=f"vm-{number}", cluster=fabric, host=failed.host, tenant=failed.tenant,
            template_disk=failed.template_disk, processors=1, memory_bytes=GIB,
            status="succeeded", operation=failed.operation,
        )  # fmt: skip
    client = of(people.admin)
    with django_assert_max_num_queries(16):
        assert client.get("/deployments/").content.decode().count("<tr id=") == 31
    assert client.get("/deployments/?q=vm-1").content.decode().count("<tr id=") == 11
    assert "No deployment fits" in client.get("/deployments/?status=running&q=").content.decode()
    assert "That filter can’t be used" in client.get("/deployments/?status=x").content.decode()


def test_a_tenant_s_first_page_tells_its_machines_files_quota_and_what_needs_it(failed, people):
    VirtualMachine.objects.create(
        cluster=failed.cluster, name="dc-01", vm_id=failed.pk, tenant=failed.tenant,
        state="running", protection="shielded", host=failed.host, observed_at=timezone.now(),
        processors=2, memory_bytes=GIB,
    )  # fmt: skip
    client = of(people.contoso)
    page = client.get("/home/").content.decode()

    assert Rules(page).faults() == []
    for words in ("new-01 couldn’t be deployed", "dc-01", "1 shielded", "1 of 100", "2 GiB of 200"):
        assert words in page, words
    assert client.get("/home/", headers=HTMX).content.decode().strip().startswith('<div id="home"')
    assert "dc-01" not in of(people.fabrikam).get("/home/").content.decode()
    assert of(people.admin).get("/home/").headers["Location"] == "/"
    assert Pair.objects.count() == 1

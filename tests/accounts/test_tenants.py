"""Tenants and quotas: added, renamed, limited, and kept while anything is theirs."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import GIB, Tenant
from apps.audit.models import AuditEntry
from apps.fabric.models import Cluster
from apps.vms.deployments.models import Deployment
from apps.vms.models import VirtualMachine
from tests.library.makers import MIB, data, disk
from tests.people import People

__all__ = ["data", "disk"]
PATH = "/api/v1/tenants/"
HTMX = {"HX-Request": "true"}


def machine(tenant: Tenant, name: str = "web-1") -> VirtualMachine:
    cluster, _ = Cluster.objects.get_or_create(name="hci01", address="a", port=5986, use_tls=True)
    return VirtualMachine.objects.create(cluster=cluster, name=name, vm_id=tenant.pk, tenant=tenant)


def of(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def test_a_tenant_is_added_renamed_and_given_quotas_and_the_log_says_so(
    admin_api: APIClient,
) -> None:
    made = admin_api.post(PATH, {"name": "tailspin", "quota_bytes": 5 * GIB})
    address = made.headers["Location"]
    edited = admin_api.patch(address, {"name": "tail-spin", "quota_vms": 3})

    assert (made.status_code, edited.status_code) == (201, 200)
    assert edited.json() == made.json() | {"name": "tail-spin", "quota_vms": 3}
    entry = AuditEntry.objects.get(action="tenant.edit")
    assert entry.detail == {
        "name": {"before": "tailspin", "after": "tail-spin"},
        "quota_vms": {"before": 100, "after": 3},
    }
    admin_api.patch(address, {"quota_vms": 3})
    assert AuditEntry.objects.filter(action="tenant.edit").count() == 1, "nothing was changed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "fabrikam"}, "name"),
        ({"name": "Not A Name"}, "name"),
        ({"name": ""}, "name"),
        ({"quota_bytes": -1}, "quota_bytes"),
        ({"quota_bytes": "much"}, "quota_bytes"),
        ({"quota_vms": 10**9}, "quota_vms"),
    ],
)
def test_a_change_that_can_t_be_names_its_field(
    admin_api: APIClient, people: People, body: dict[str, object], field: str
) -> None:
    answer = admin_api.patch(f"{PATH}{people.contoso_tenant.pk}/", body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_what_is_used_counts_as_quotas_do(
    admin_api: APIClient, people: People, disk: object, data: object
) -> None:
    vm = machine(people.contoso_tenant)
    Deployment.objects.create(
        name="coming", cluster=vm.cluster, tenant=people.contoso_tenant, processors=1,
        memory_bytes=GIB, status="queued",
    )  # fmt: skip

    contoso, fabrikam = admin_api.get(f"{PATH}?ordering=name").json()["results"]

    assert (contoso["used_vms"], contoso["used_bytes"]) == (2, 2 * MIB)
    assert (fabrikam["used_vms"], fabrikam["used_bytes"]) == (0, 0)


def test_a_tenant_that_owns_something_stays_and_the_answer_says_what(
    admin_api: APIClient, people: People, disk: object, data: object
) -> None:
    vm = machine(people.contoso_tenant)

    answer = admin_api.delete(f"{PATH}{people.contoso_tenant.pk}/")

    told = answer.json()
    assert (answer.status_code, told["type"]) == (409, "/problems/in-use/")
    assert told["owns"] == {"user": 1, "vm": 1, "template-disk": 1, "shielding-data": 1}
    assert {"kind": "vm", "id": str(vm.pk), "name": "web-1"} in told["used_by"]
    assert "1 user, 1 virtual machine, 1 template disk" in told["detail"]
    assert Tenant.objects.filter(name="contoso").exists()


def test_a_tenant_that_owns_nothing_goes(admin_api: APIClient, people: People) -> None:
    empty = Tenant.objects.create(name="empty")

    assert admin_api.delete(f"{PATH}{empty.pk}/").status_code == 204
    assert admin_api.delete(f"{PATH}{empty.pk}/").status_code == 404
    assert AuditEntry.objects.get(action="tenant.delete").target_name == "empty"


def test_lists_cost_the_same_queries_for_any_number_of_tenants(
    admin_api: APIClient, people: People, django_assert_max_num_queries: object
) -> None:
    Tenant.objects.bulk_create(Tenant(name=f"t{number:02}") for number in range(40))
    browser = of(people.admin)

    with django_assert_max_num_queries(5):  # type: ignore[operator]
        assert admin_api.get(PATH).json()["count"] == 42
    with django_assert_max_num_queries(13):  # type: ignore[operator]
        assert browser.get("/settings/tenants/").content.decode().count("<tr id=") == 42


def test_pages_add_edit_and_delete_and_say_why_not(people: People) -> None:
    browser = of(people.admin)
    form = {"name": "tailspin", "quota_bytes": "1.5 TiB", "quota_vms": "7"}

    pane = browser.get("/settings/tenants/new/", headers=HTMX).content.decode()
    assert 'value="200 GiB"' in pane and "<html" not in pane
    wrong = browser.post("/settings/tenants/new/", form | {"quota_bytes": "much"})
    assert wrong.status_code == 422 and "200 GiB or 1.5 TiB" in wrong.content.decode()
    page = browser.post("/settings/tenants/new/", form, follow=True).content.decode()
    tenant = Tenant.objects.get(name="tailspin")
    assert (tenant.quota_bytes, tenant.quota_vms) == (3 * GIB << 9, 7)
    assert "Nothing: no user, no virtual machine" in page

    edit = f"/settings/tenants/{tenant.pk}/edit/"
    assert 'value="1.5 TiB"' in browser.get(edit).content.decode()
    taken = browser.post(edit, form | {"name": "contoso"}, headers=HTMX)
    assert taken.status_code == 422 and "already exists" in taken.content.decode()
    assert browser.post(edit, form | {"quota_vms": "8"}, headers=HTMX).status_code == 204

    assert browser.post(f"/settings/tenants/{tenant.pk}/delete/", follow=True).status_code == 200
    assert not Tenant.objects.filter(pk=tenant.pk).exists()
    kept = browser.get(f"/settings/tenants/{people.contoso_tenant.pk}/").content.decode()
    assert "It still has 1 user." in kept and 'aria-disabled="true"' in kept
    assert browser.post(f"/settings/tenants/{people.contoso_tenant.pk}/delete/").status_code == 409


def test_a_quota_below_what_is_used_is_taken_and_shown(people: People, disk: object) -> None:
    machine(people.contoso_tenant)
    tenant = people.contoso_tenant
    browser = of(people.admin)

    browser.post(
        f"/settings/tenants/{tenant.pk}/edit/",
        {"name": "contoso", "quota_bytes": "1 KiB", "quota_vms": "0"},
    )

    text = browser.get("/settings/tenants/").content.decode()
    assert "1 of 0" in text and "1 MiB of 1 KiB" in text and text.count("over quota") == 2


def test_an_auditor_reads_and_changes_nothing(people: People, auditor_api: APIClient) -> None:
    one = f"{people.contoso_tenant.pk}/"
    browser = of(people.auditor)

    page = browser.get(f"/settings/tenants/{one}")
    assert page.status_code == 200 and "Rename" not in page.content.decode()
    assert browser.get(f"/settings/tenants/{one}edit/").status_code == 403
    assert browser.post(f"/settings/tenants/{one}delete/").status_code == 403
    assert auditor_api.patch(PATH + one, {"name": "x"}).status_code == 403
    assert auditor_api.delete(PATH + one).status_code == 403

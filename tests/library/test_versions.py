"""Versions of a template, what a pair's verdict comes from."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.fabric.models import Cluster
from apps.library import comparing, versions
from apps.vms.deployments.models import Deployment
from apps.vms.models import VirtualMachine
from tests.library.makers import data, disk, pair, template_disk
from tests.library.test_pages import HTMX, of
from tests.ui.test_components import Rules

__all__ = ["data", "disk"]
pytestmark = pytest.mark.django_db
PARTS = st.lists(st.integers(0, 99999), min_size=1, max_size=4)


def versioned(tenant, version: str, **more):
    catalog = {"name": "ws2025-tier0", "version": version, "signer_thumbprint": "C0FFEE"} | more
    return template_disk(tenant, f"{version}.vhdx", catalog=catalog)


@pytest.fixture
def made(disk, people) -> VirtualMachine:
    """A machine that was made of the disk."""
    cluster = Cluster.objects.create(
        name="alpha", address="127.0.0.1", port=1, use_tls=False, transport="ntlm"
    )
    vm = VirtualMachine.objects.create(
        cluster=cluster, name="web-01", vm_id=disk.pk, tenant=disk.tenant, protection="shielded"
    )
    Deployment.objects.create(
        name="web-01", cluster=cluster, template_disk=disk, tenant=disk.tenant, processors=1,
        memory_bytes=1 << 30, status="succeeded", virtual_machine=vm,
    )  # fmt: skip
    return vm


@given(PARTS, PARTS)
def test_versions_are_compared_by_their_numbers(one, other):
    first, second = (".".join(map(str, parts)) for parts in (one, other))
    padded = [parts + [0] * (4 - len(parts)) for parts in (one, other)]

    assert (versions.number(first) < versions.number(second)) == (padded[0] < padded[1])
    assert comparing.accepts("equals", second, first) == (padded[0] == padded[1])
    assert comparing.accepts("greater-than", second, first) == (padded[0] > padded[1])
    assert comparing.accepts("greater-than-or-equals", second, first) == (padded[0] >= padded[1])


@pytest.mark.parametrize("text", ["", "1.2.3.4.5", "1.x", "-1", "1..2", "9" * 11, "1.0 "])
def test_what_is_no_version_is_newer_than_nothing(text):
    assert versions.number(text) is None
    assert comparing.accepts("greater-than", "1.0.0.0", text) is None


def test_a_newer_one_has_the_same_name_signer_and_tenant_and_is_usable(disk, people):
    own = people.contoso_tenant
    versioned(own, "2.0.9.9")
    versioned(own, "3.0.0.0", signer_thumbprint="BAD")
    versioned(own, "3.0.0.0", name="another")
    versioned(people.fabrikam_tenant, "3.0.0.0")
    refused = versioned(own, "3.0.0.0")
    type(refused).objects.filter(pk=refused.pk).update(status="refused")
    assert versions.newer([disk]) == {}

    tenth, second = versioned(own, "2.10.0.0"), versioned(own, "2.2.0.0")

    assert versions.newer([disk, second, tenth]) == {disk.pk: tenth, second.pk: tenth}
    assert [one.catalog["version"] for one in versions.chains([disk])[disk.pk]] == [
        "2.10.0.0", "2.2.0.0", "2.1.0.0", "2.0.9.9",
    ]  # fmt: skip


def test_pages_and_the_api_tell_which_machine_has_which_version(disk, made, people):
    newer = versioned(people.contoso_tenant, "2.2.0.0")
    client, api = of(people.contoso), APIClient()
    api.force_authenticate(people.contoso)

    page = client.get(reverse("library:disk", args=[disk.pk])).content.decode()
    machine = client.get(reverse("vms:detail", args=[made.pk])).content.decode()
    row = api.get(f"/api/v1/virtual-machines/{made.pk}/").json()["template_disk"]
    listed = api.get(f"/api/v1/virtual-machines/?template_disk={disk.pk}").json()

    assert Rules(page).faults() == [] and Rules(machine).faults() == []
    assert "A newer version is there: 2.2.0.0" in page
    versions_part = page.split('id="versions"')[1].split("</section>")[0]
    assert versions_part.index("2.2.0.0") < versions_part.index("2.1.0.0")
    assert "web-01" in versions_part and "newest" in versions_part
    assert "ws2025-tier0 2.1.0.0" in machine and "A newer version is there" in machine
    told = {"id": str(newer.pk), "name": "ws2025-tier0", "version": "2.2.0.0"}
    assert row == {"id": str(disk.pk), "name": disk.name, "version": "2.1.0.0", "newer": told}
    assert [one["name"] for one in listed["results"]] == ["web-01"]
    assert listed["results"][0]["template_disk"] == row
    assert api.get(f"/api/v1/virtual-machines/?template_disk={newer.pk}").json()["count"] == 0
    assert api.get(f"/api/v1/template-disks/{disk.pk}/").json()["newer"] == told
    assert api.get(f"/api/v1/template-disks/{newer.pk}/").json()["newer"] is None


def test_the_template_of_another_tenant_is_not_told(disk, made, people):
    VirtualMachine.objects.update(tenant=people.fabrikam_tenant)
    api = APIClient()
    api.force_authenticate(people.fabrikam)

    assert api.get(f"/api/v1/virtual-machines/{made.pk}/").json()["template_disk"] is None
    assert api.get(f"/api/v1/virtual-machines/?template_disk={disk.pk}").json()["count"] == 0
    page = of(people.fabrikam).get(reverse("vms:detail", args=[made.pk])).content.decode()
    assert "ws2025" not in page


def test_a_pair_s_page_shows_the_verdict_and_what_it_comes_from(disk, data, people):
    data.qualifiers = [
        {"name": "other*", "version_rule": "equals", "version": "1.0", "signer_thumbprint": "AB"},
        {"name": "WS2025-*", "version_rule": "greater-than", "version": "2.1.0.0",
         "signer_thumbprint": "c0ffee"},
    ]  # fmt: skip
    data.save()
    found = pair(disk, data, applicable=False)
    address = reverse("library:pair", args=[found.pk])

    page = of(people.contoso).get(address).content.decode()
    part = of(people.contoso).get(address, headers=HTMX).content.decode()

    assert Rules(page).faults() == []
    assert part.strip().startswith('<div id="pair"')
    assert "The shielding data doesn’t apply to this template disk" in page
    assert "Made for another version." in page and "newer than 2.1.0.0" in page
    first, second = comparing.of(found)
    assert [one.ok for one in first.parts] == [True, True, False], "what agrees most comes first"
    assert not second.ok
    assert "deployments/new/?pair" not in page
    assert of(people.fabrikam).get(address).status_code == 404
    assert of(people.guardian).get(address).status_code == 404


def test_a_pair_that_fits_leads_to_both_forms_and_tells_its_other_versions(disk, data, people):
    found = pair(disk, data)
    newer = versioned(people.contoso_tenant, "2.2.0.0")
    pair(newer, data, applicable=False)

    page = of(people.contoso).get(reverse("library:pair", args=[found.pk])).content.decode()
    form = of(people.contoso).get(f"/deployments/new/?pair={found.pk}").content.decode()

    assert f"/deployments/new/?pair={found.pk}" in page
    assert f"/deployments/batch/new/?pair={found.pk}" in page
    assert "Version 2.2.0.0" in page and "A newer version of the template is there" in page
    assert "This shielding data doesn’t apply to it" in form
    found.template_disk.pairs.update(applicable=True)
    newer.pairs.update(applicable=True)
    form = of(people.contoso).get(f"/deployments/new/?pair={found.pk}").content.decode()
    assert f'href="?pair={newer.pairs.get().pk}"' in form


def test_lists_cost_the_same_queries_for_any_number(disk, made, people):
    api = APIClient()
    api.force_authenticate(people.contoso)

    def cost(noun: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(f"/api/v1/{noun}/").status_code == 200
        return len(queries)

    nouns = ("virtual-machines", "template-disks")
    few = [cost(noun) for noun in nouns]
    for number in range(5):
        one = versioned(people.contoso_tenant, f"3.{number}")
        VirtualMachine.objects.create(
            cluster=made.cluster, name=f"vm-{number}", vm_id=one.pk, tenant=disk.tenant
        )
    assert [cost(noun) for noun in nouns] == few

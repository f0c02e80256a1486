"""A deployment that failed on one host is retried on another one of its cluster."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.library.models import ContentGrant, TemplateDisk
from apps.operations.models import Operation
from apps.vms.deployments.models import Deployment
from tests.fabric.fixtures import api as client_of
from tests.fabric.fixtures import execute
from tests.library import bringing, disks
from tests.serving import served
from tests.ui.test_components import Rules
from tests.vms.deployments.makers import regular
from tests.vms.deployments.test_making import breaks, made, vm_in, where

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def port(settings: Any) -> Any:
    with served() as number:
        settings.FABRIC_CONTENT_URL = f"http://127.0.0.1:{number}"
        settings.FABRIC_CONTENT_CA = "/nowhere"
        yield number


@pytest.fixture
def template(folk: Any, port: int) -> TemplateDisk:
    found = bringing.item(folk.contoso, "template-disk", disks.protected(), "web.vhdx")
    bringing.work()
    TemplateDisk.objects.update(status="usable", waiting_for="", retry_at=None)
    return bringing.again(found)


@pytest.fixture
def failed(folk: Any, cluster: Any, template: TemplateDisk, lab: Any) -> Deployment:
    """Its files came to the volume; then alpha-1 couldn't add it to the cluster."""
    breaks(lab, "Add-ClusterVirtualMachineRole")
    body = regular(cluster, **where(cluster)) | {
        "template_disk": str(template.pk), "disk_size_bytes": None,
    }  # fmt: skip
    operation, row = made(client_of(folk.contoso), body)
    assert operation.status == "failed", operation.error
    assert row["leftovers"]
    return Deployment.objects.get(pk=row["id"])


def test_it_is_made_on_another_host_and_the_template_isnt_fetched_again(
    folk: Any, failed: Deployment, lab: Any, cluster: Any
) -> None:
    api, page = client_of(folk.contoso), Client()
    page.force_login(folk.contoso)
    address = reverse("deployments:detail", args=[failed.pk])
    url = f"/api/v1/deployments/{failed.pk}/"
    other = cluster.hosts.get(name="alpha-2")
    text = page.get(address).content.decode()
    assert "Retry on another host" in text and "clean up first" in text
    assert Rules(text).faults() == []
    early = api.post(f"{url}retry/", {"host": str(other.pk)})
    assert early.status_code == 409 and "still on alpha-1" in early.data["detail"]

    cleaned = execute(Operation.objects.get(pk=api.post(f"{url}clean-up/").data["id"]))
    assert cleaned.status == "succeeded", cleaned.error
    text = page.get(address).content.decode()
    assert "One has a copy of the template disk already" in text
    assert f'value="{other.pk}"' in text and f'value="{failed.host_id}"' not in text
    places = {one["host"]["name"]: one["allowed"] for one in api.get(f"{url}placements/").data}
    assert places["alpha-2"] and "alpha-1" not in places
    fetched = set(ContentGrant.objects.exclude(used_at=None).values_list("pk", flat=True))

    answer = page.post(f"{address}retry-elsewhere/", {"host": str(other.pk)})

    assert answer.headers["Location"] == address
    failed.refresh_from_db()
    again = execute(failed.operation)
    assert again.status == "succeeded", again.error
    assert again.retry_of is not None and failed.host == other
    vm = vm_in(lab)
    assert vm is not None and vm["node"] == "alpha-2"
    assert set(ContentGrant.objects.exclude(used_at=None).values_list("pk", flat=True)) == fetched


def test_where_it_may_not_be_made_the_reasons_are_told_and_nothing_is_asked(
    folk: Any, failed: Deployment, cluster: Any
) -> None:
    api = client_of(folk.contoso)
    url = f"/api/v1/deployments/{failed.pk}/"
    execute(Operation.objects.get(pk=api.post(f"{url}clean-up/").data["id"]))
    other = cluster.hosts.get(name="alpha-2")
    other.state = "paused"
    other.save()
    number = Operation.objects.count()

    refused = api.post(f"{url}retry/", {"host": str(other.pk)})
    own = api.post(f"{url}retry/", {"host": str(failed.host_id)})

    assert refused.status_code == 409 and refused.data["reasons"], refused.data
    (told,) = [one for one in api.get(f"{url}placements/").data if one["host"]["name"] == "alpha-2"]
    assert not told["allowed"] and told["reasons"][0]["fix"]
    assert own.status_code == 400 and Operation.objects.count() == number
    assert client_of(folk.fabrikam).post(f"{url}retry/", {"host": str(other.pk)}).status_code == 404
    failed.refresh_from_db()
    assert failed.host is not None and failed.host.name == "alpha-1"

"""Files at rest are read again: by the clock, and when somebody asks. What differs isn't used."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.library import scrub
from apps.library.models import StoredFile, TemplateDisk, Upload
from apps.operations.models import Operation
from conftest import api_client
from tests.library import disks
from tests.library.bringing import again, bring, item, path_of, work
from tests.library.makers import pair, shielding_data
from tests.people import People

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def disk(people: People) -> TemplateDisk:
    return usable(item(people.contoso, "template-disk", disks.protected(), "web.vhdx"))


def usable(disk: TemplateDisk) -> TemplateDisk:
    """As a host would have left it."""
    TemplateDisk.objects.update(
        status="usable", inspected_at=timezone.now(), waiting_for="", retry_at=None
    )
    return again(disk)


def damage(file: StoredFile) -> None:
    with path_of(file).open("r+b") as raw:
        raw.seek(5_000_000)
        raw.write(b"one bit of rot")


def mend(file: StoredFile) -> None:
    path_of(file).write_bytes(disks.protected())


def test_the_clock_reads_each_file_once_and_then_again_when_that_is_long_ago(
    disk: TemplateDisk, people: People
) -> None:
    bring(people.fabrikam, "iso", b"an image" * 1000, "x.iso")

    for _ in range(3):
        scrub.sweep()
        assert {one.status for one in work()} <= {"succeeded"}

    assert list(StoredFile.objects.values_list("is_intact", flat=True)) == [True, True]
    assert Operation.objects.filter(kind=scrub.VERIFY).count() == 2
    StoredFile.objects.update(read_at=timezone.now() - timedelta(days=31))
    Operation.objects.update(ended_at=timezone.now() - timedelta(days=31))
    scrub.sweep()
    assert Operation.objects.filter(kind=scrub.VERIFY).count() == 3


def test_what_hosts_are_looking_at_and_what_never_arrived_is_left_alone(people: People) -> None:
    item(people.contoso, "template-disk", disks.protected(), "waits.vhdx")
    StoredFile.objects.create(tenant=people.contoso_tenant, kind="iso", size_bytes=10)

    scrub.sweep()

    assert not Operation.objects.filter(kind=scrub.VERIFY).exists()


def test_a_disk_that_rotted_is_refused_with_the_reason_and_trusted_again_once_mended(
    disk: TemplateDisk, people: People
) -> None:
    api = api_client(people.contoso)
    url = reverse("template-disk-detail", args=[disk.pk])
    assert api.get(url).data["integrity"]["ok"] is None
    damage(disk.file)

    asked = api.post(f"{url}verify/")
    (operation,) = work()

    assert (asked.status_code, operation.status) == (202, "failed")
    assert operation.error["code"] == "damaged"
    told = api.get(url).data
    assert told["status"] == "refused" and told["integrity"]["ok"] is False
    assert told["problems"][0]["code"] == "damaged" and told["problems"][0]["fix"]
    assert told["integrity"]["read_at"].endswith("Z")
    refused = api.post(f"{url}inspect/")
    assert refused.status_code == 409 and "no longer what arrived" in refused.data["detail"]

    mend(disk.file)
    api.post(f"{url}verify/")
    assert work()[0].status == "succeeded"
    assert again(disk).status == "waiting-for-host" and disk.problems == []
    found = AuditEntry.objects.filter(action="template-disk.verify", outcome="done")
    assert [one.detail["found"] for one in found.order_by("index")] == ["differs", "restored"]


def test_the_page_tells_the_result_and_offers_to_read_again(
    disk: TemplateDisk, people: People
) -> None:
    page = Client()
    page.force_login(people.contoso)
    address = reverse("library:disk", args=[disk.pk])
    assert "Not yet" in page.get(address).content.decode()

    page.post(f"{address}verify/")
    assert "It is being read." in page.get(address).content.decode()
    work()
    assert "It is what arrived" in page.get(address).content.decode()

    pair(disk, shielding_data(people.contoso_tenant))
    assert "/deployments/new/?template_disk" in page.get("/library/").content.decode()
    damage(disk.file)
    page.post(f"{address}verify/")
    work()
    text = page.get(address).content.decode()
    assert "It differs" in text and "no longer what arrived" in text
    text = page.get("/library/").content.decode()
    assert "/deployments/new/?template_disk" not in text and "no longer what arrived" in text


def test_an_image_that_is_gone_from_the_store_isnt_offered_any_more(people: People) -> None:
    upload = bring(people.contoso, "iso", b"an image" * 1000, "x.iso")
    assert upload.file is not None
    path_of(upload.file).unlink()
    api = api_client(people.contoso)

    api.post(reverse("upload-detail", args=[upload.pk]) + "verify/")
    work()

    row = api.get(reverse("upload-detail", args=[upload.pk])).data
    assert (row["status"], row["problem"]["code"]) == ("refused", "damaged")
    assert not row["integrity"]["ok"]


def test_who_may_not_delete_a_file_may_not_have_it_read(disk: TemplateDisk, people: People) -> None:
    url = reverse("template-disk-detail", args=[disk.pk]) + "verify/"
    answers = {name: api_client(user).post(url).status_code for name, user in people.all().items()}

    assert answers == {
        "contoso": 202, "admin": 202, "fabrikam": 404, "auditor": 403, "guardian": 403,
    }  # fmt: skip


def test_a_file_that_isnt_whole_has_nothing_to_read(people: People, settings: Any) -> None:
    from apps.library import uploads

    upload = uploads.begin(actor=people.contoso, length=10, filename="x.iso", kind="iso")
    answer = api_client(people.contoso).post(reverse("upload-detail", args=[upload.pk]) + "verify/")

    assert answer.status_code == 409 and Upload.objects.get().status == "receiving"

"""Files at rest are read again: by the clock, and when somebody asks. What differs isn't used."""

import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.fabric import credentials
from apps.fabric.models import Cluster
from apps.fabric.selectors import owner_of_credential
from apps.library import scrub
from apps.library.models import ShieldingData, StoredFile, TemplateDisk, Upload
from apps.library.stores.local import LocalContent
from apps.operations.models import Operation
from conftest import api_client
from tests.library import disks
from tests.library.bringing import again, bring, item, path_of, work
from tests.library.makers import pair, shielding_data
from tests.people import People
from tests.vms.deployments.makers import fabric
from tests.web import ROOT, environment

__all__ = ["fabric"]
pytestmark = pytest.mark.django_db(transaction=True)
MIB = 1 << 20


@pytest.fixture
def disk(people: People) -> TemplateDisk:
    return usable(item(people.contoso, "template-disk", disks.protected(), "web.vhdx"))


def usable(disk: TemplateDisk) -> TemplateDisk:
    """As a host would have left it."""
    TemplateDisk.objects.update(
        status="usable", inspected_at=timezone.now(), waiting_for="", retry_at=None
    )
    return again(disk)


@pytest.fixture
def away(fabric: Cluster) -> Cluster:
    """A cluster whose hosts don't answer: what is refused is refused without them."""
    fabric.username = "portal"
    fabric.password_envelope = credentials.seal("x", owner=owner_of_credential(fabric))
    fabric.save()
    fabric.hosts.update(address="127.0.0.1")
    return fabric


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


def test_reading_goes_on_where_a_killed_worker_was(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(range(256)) * (8 * MIB // 256) + b"the end"
    upload = bring(people.contoso, "iso", content, "x.iso")
    asked = scrub.ask(actor=None, subject=upload)
    command = [sys.executable, "-m", "tests.library.dying_reader", str(asked.pk), str(MIB), "5"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), check=False)
    assert done.returncode == -signal.SIGKILL
    begun: list[int] = []
    pieces = LocalContent.pieces

    def seen(self: LocalContent, first: int, last: int) -> Any:
        begun.append(first)
        return pieces(self, first, last)

    monkeypatch.setattr(LocalContent, "pieces", seen)
    Operation.objects.filter(pk=asked.pk).update(status="queued", worker="")  # as the reaper does

    (operation,) = work()

    assert (operation.status, operation.attempt, begun) == ("succeeded", 2, [5 * MIB])
    assert operation.result["sha256"] == upload.sha256 and operation.result["reading"] is None
    assert operation.events.filter(message__contains="goes on at 5.0 MiB").exists()


def test_an_image_has_a_button_and_a_result_and_isnt_deployed_once_it_rotted(
    people: People, away: Cluster
) -> None:
    upload = bring(people.contoso, "iso", b"an image" * 1_000_000, "setup.iso")
    page, api = Client(), api_client(people.contoso)
    page.force_login(people.contoso)
    verify = reverse("library:verify_upload", args=[upload.pk])
    assert verify in (text := page.get("/library/").content.decode())
    assert "Not read again yet" in text

    assert page.post(verify, headers={"HX-Request": "true"}).status_code == 204
    assert "The stored file is being read" in page.get("/library/").content.decode()
    work()
    assert "Read again: it is what arrived" in page.get("/library/").content.decode()

    form = {
        "kind": "blank", "name": "new-01", "processors": "2", "memory_gib": "4", "disk_gib": "40",
        "cluster": str(away.pk), "volume": str(away.volumes.get().pk), "iso": str(upload.pk),
    }  # fmt: skip
    assert upload.file is not None
    damage(upload.file)
    page.post(verify)
    work()

    told = ("setup.iso isn’t usable: What is stored is no longer what arrived", "Upload the file")
    text = page.get("/library/").content.decode()
    assert "Read again: it differs" in text and told[1] in text
    for address in ("/deployments/new/preflight/", "/deployments/new/"):
        text = page.post(address, form, headers={"HX-Request": "true"}).content.decode()
        assert all(words in text for words in told), address
    body = {
        "name": "new-01", "cluster": str(away.pk), "volume": str(away.volumes.get().pk),
        "processors": 2, "memory_bytes": 4 << 30, "disk_size_bytes": 40 << 30,
        "iso": str(upload.pk),
    }  # fmt: skip
    tried = api.post("/api/v1/deployments/preflight/", body).data
    (line,) = [one for one in tried["checks"] if one["id"] == "iso"]
    assert not tried["ok"] and told[0] in line["message"] and told[1] in line["fix"]
    refused = api.post("/api/v1/deployments/", body)
    assert refused.status_code == 400 and told[0] in refused.data["detail"]
    assert told[1] in refused.data["hint"]


@pytest.mark.parametrize("half", ["disk", "data"])
def test_a_pair_isnt_deployed_once_either_file_rotted(
    people: People, away: Cluster, half: str
) -> None:
    pdk = item(people.contoso, "shielding-data", b"sealed" * 1_000_000, "tier0.pdk")
    ShieldingData.objects.update(status="usable", purpose="new-vm", policy="shielded")
    disk = usable(item(people.contoso, "template-disk", disks.protected(), "web.vhdx"))
    fits = pair(disk, pdk)
    rotten = disk if half == "disk" else pdk
    damage(rotten.file)
    scrub.ask(actor=None, subject=rotten)
    work()

    api, page = api_client(people.contoso), Client()
    page.force_login(people.contoso)
    body = {
        "name": "new-01", "cluster": str(away.pk), "volume": str(away.volumes.get().pk),
        "processors": 2, "memory_bytes": 4 << 30, "template_disk": str(disk.pk),
        "shielding_data": str(pdk.pk),
    }  # fmt: skip
    told = f"{rotten.name} isn’t usable: What is stored is no longer what arrived"
    tried = api.post("/api/v1/deployments/preflight/", body).data
    wrong = [one for one in tried["checks"] if not one["ok"]]
    assert told in wrong[0]["message"] and "Upload the file again" in wrong[0]["fix"]
    refused = api.post("/api/v1/deployments/", body)
    assert refused.status_code == 400 and told in str(refused.data)
    form = {
        "kind": "shielded", "name": "new-01", "processors": "2", "memory_gib": "4",
        "cluster": str(away.pk), "volume": str(away.volumes.get().pk), "pair": str(fits.pk),
    }  # fmt: skip
    answer = page.post("/deployments/new/", form)
    assert answer.status_code == 422 and told in answer.content.decode()
    text = page.get(reverse("library:pair", args=[fits.pk])).content.decode()
    assert "Nothing can be made of it now" in text and f"?pair={fits.pk}" not in text

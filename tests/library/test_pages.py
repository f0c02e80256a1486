import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.fabric.models import Cluster
from apps.library import disk_pages, uploads
from apps.library.models import Pair, ShieldingData, TemplateDisk, Upload
from apps.operations.models import Operation
from apps.vms.deployments.models import Deployment
from tests.library.makers import data, disk, pair, shielding_data, template_disk
from tests.ui.test_components import Rules

__all__ = ["data", "disk"]
pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def pages(disk, data) -> list[str]:
    pair(disk, data)
    return [
        "/library/",
        reverse("library:disk", args=[disk.pk]),
        reverse("library:shielding_data", args=[data.pk]),
    ]


@pytest.fixture
def deployed(disk, data) -> Deployment:
    cluster = Cluster.objects.create(
        name="alpha", address="127.0.0.1", port=1, use_tls=False, transport="ntlm",
        password_envelope="",
    )  # fmt: skip
    return Deployment.objects.create(
        name="new-01", cluster=cluster, template_disk=disk, shielding_data=data,
        tenant=disk.tenant, processors=1, memory_bytes=1 << 30, status="running",
    )  # fmt: skip


@pytest.mark.parametrize("who", ["admin", "contoso", "auditor"])
def test_every_page_keeps_to_the_rules_and_its_part_is_the_same(pages, people, who):
    client = of(getattr(people, who))
    for address in pages:
        page = client.get(address)
        assert page.status_code == 200, address
        assert Rules(page.content.decode()).faults() == [], address
        part = client.get(address, headers=HTMX).content.decode()
        assert part.strip().startswith("<div id="), address
        assert "<html" not in part


def test_files_of_another_tenant_are_not_there_and_hgs_admins_have_no_library(pages, people):
    strange = of(people.fabrikam)
    assert "ws2025" not in strange.get("/library/").content.decode()
    for address in pages[1:]:
        assert strange.get(address).status_code == 404
        assert strange.post(f"{address}delete/").status_code == 404
        assert of(people.guardian).get(address).status_code == 404
    assert of(people.guardian).get("/library/").status_code == 403
    assert TemplateDisk.objects.exists() and ShieldingData.objects.exists()


def test_only_a_tenant_uploads_and_only_the_owner_downloads(pages, people):
    for who in ("contoso", "admin", "auditor"):
        client = of(getattr(people, who))
        own = who == "contoso"
        assert ("data-upload-zone" in client.get("/library/").content.decode()) is own
        for address in pages[1:]:
            assert ("/content/" in client.get(address).content.decode()) is own


def test_pairs_say_whether_they_fit_why_not_and_lead_to_the_form_of_a_deployment(people):
    one, trusted = template_disk(people.contoso_tenant), shielding_data(people.contoso_tenant)
    pair(one, trusted)
    pair(one, shielding_data(people.contoso_tenant, "old.pdk"), applicable=False)

    text = of(people.contoso).get("/library/").content.decode()

    assert "Fits" in text and "Doesn’t fit" in text and "Made for another version." in text
    assert f"/deployments/new/?template_disk={one.pk}&amp;shielding_data={trusted.pk}" in text
    assert text.count("/deployments/new/?") == 1


def test_a_disk_s_page_tells_what_was_found_as_text(disk, people):
    text = of(people.contoso).get(reverse("library:disk", args=[disk.pk])).content.decode()

    assert "&lt;b&gt;Windows" in text and "<b>Windows</b>" not in text
    for words in ("XTS-AES 128", "Clear key", "2.1.0.0", "C0FFEE", disk.sha256, "alpha-1"):
        assert words in text
    for words in ("11 GiB, in blocks of 32 MiB", disk.bitlocker["volume_id"]):
        assert words in text


def test_a_disk_is_drawn_as_it_lies_with_its_free_space_and_in_words(disk, people):
    text = of(people.contoso).get(reverse("library:disk", args=[disk.pk])).content.decode()

    bar = text.split('class="partbar"')[1].split("</svg>")[0]
    counted = ("<rect", 'class="is-hatch"', "<text", 'class="is-free"')
    assert [bar.count(one) for one in counted] == [5, 1, 3, 1]
    assert bar.index(">1<") < bar.index(">2<") < bar.index(">3<")
    label = bar.split('aria-label="')[1].split('"')[0]
    assert label == (
        "1: EFI system, 300 MiB; 2: Microsoft reserved, 16 MiB;"
        " 3: Data, 60 GiB, encrypted by BitLocker; free, 3.7 GiB"
    )


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, ["yes A catalogue lies", "yes Windows on alpha-1 finds the catalogue intact"]),
        (
            {"catalog": None, "status": "waiting-for-host", "waiting_for": "No host is up."},
            ["yes A catalogue lies", " No host has checked it yet No host is up."],
        ),
        (
            {"catalog": None, "status": "refused",
             "problems": [{"code": "unsigned", "message": "", "fix": "", "host_message": "0x8"}]},
            ["yes A catalogue lies", "no Windows on alpha-1 finds no intact catalogue 0x8"],
        ),
        (
            {"catalog": None, "status": "refused", "evidence": []},
            ["no No catalogue was found", " No host was asked"],
        ),
        (
            {"catalog": None, "status": "refused", "evidence": [], "partitions": []},
            [" The EFI partition wasn’t looked into", " No host was asked"],
        ),
    ],
)  # fmt: skip
def test_the_signature_says_what_was_found_and_what_was_proved(facts, said, people):
    found = disk_pages.signature(template_disk(people.contoso_tenant, **facts))

    lines = [f"{one['ok']} {one['words']} {one['details']}" for one in found]
    assert all(line.startswith(words) for line, words in zip(lines, said, strict=True))


def test_an_item_s_history_is_the_work_on_it_that_the_reader_may_see(disk, data, people):
    for kind, item, status in (("inspect", disk, "succeeded"), ("inspect", data, "running")):
        Operation.objects.create(
            kind=kind, target_kind=item.noun, target_id=str(item.pk), target_name=item.filename,
            title=f"Inspect {item.filename}", tenant=item.tenant, actor_name="contoso",
            status=status, exclusive=False,
        )  # fmt: skip

    text = of(people.contoso).get(reverse("library:disk", args=[disk.pk])).content.decode()

    past = text.split('id="h-hist"')[1].split("</section>")[0]
    assert "Inspect ws2025.vhdx" in past and "Succeeded" in past and "Uploaded" in past
    assert data.filename not in past


def test_shielding_data_tells_owner_guardians_trusted_disks_and_what_it_asks_for(data, people):
    address = reverse("library:shielding_data", args=[data.pk])
    text = of(people.contoso).get(address).content.decode()

    for words in ("AA11", "BB22", "version 2.0.0.0 or later", "C0FFEE", "@TimeZone@"):
        assert words in text


def test_a_refused_file_says_what_is_wrong_and_what_to_do(people):
    problem = {"code": "no-bitlocker", "message": "Not encrypted.", "fix": "Protect it."}
    refused = template_disk(
        people.contoso_tenant, status="refused", problems=[problem], bitlocker=None, catalog=None
    )
    client = of(people.contoso)

    text = client.get(reverse("library:disk", args=[refused.pk])).content.decode()

    for words in ("Not encrypted.", "Protect it.", "no-bitlocker", "It isn’t usable yet."):
        assert words in text
    assert "Not encrypted." in client.get("/library/").content.decode()


def test_what_is_needed_can_not_be_deleted_and_the_page_names_by_what(deployed, disk, people):
    address = reverse("library:disk", args=[disk.pk])
    client = of(people.contoso)

    assert "new-01 still needs it." in client.get(address).content.decode()
    refused = client.post(f"{address}delete/")

    assert refused.status_code == 409 and "new-01" in refused.content.decode()
    deployed.delete()
    assert client.post(f"{address}delete/").headers["Location"] == "/library/"
    assert not TemplateDisk.objects.exists()


def test_an_auditor_sees_and_deletes_nothing(pages, people):
    client = of(people.auditor)
    for address in pages[1:]:
        assert "delete/" not in client.get(address).content.decode()
        assert client.post(f"{address}delete/").status_code == 403
    assert TemplateDisk.objects.exists()


def test_uploads_under_way_are_told_and_stopped(people, settings, tmp_path):
    settings.FABRIC_DATA_DIR = tmp_path
    upload = uploads.begin(actor=people.contoso, length=1000, filename="x.iso", kind="iso")
    Upload.objects.filter(pk=upload.pk).update(offset=420, touched_at=timezone.now())
    part = of(people.admin).get("/library/uploads/", headers=HTMX).content.decode()
    stop = reverse("library:stop_upload", args=[upload.pk])

    assert "42 %" in part and 'aria-busy="true"' in part and "contoso" in part
    assert of(people.fabrikam).post(stop).status_code == 404
    assert of(people.auditor).post(stop).status_code == 403
    assert of(people.contoso).post(stop, headers=HTMX).status_code == 204
    assert not Upload.objects.exists()


def test_the_search_finds_files_by_their_own_and_by_their_signed_name(people):
    template_disk(people.contoso_tenant, "first.vhdx")
    template_disk(people.contoso_tenant, "second.vhdx", catalog=None)
    client = of(people.contoso)

    assert "second.vhdx" not in client.get("/library/?q=TIER0").content.decode()
    assert "second.vhdx" in client.get("/library/?q=second").content.decode()
    assert client.get("/library/?q=%00").status_code == 400


def test_pages_cost_the_same_queries_for_any_number_of_files(people, django_assert_max_num_queries):
    for number in range(12):
        one = template_disk(people.contoso_tenant, f"d{number}.vhdx")
        other = shielding_data(people.contoso_tenant, f"s{number}.pdk")
        for half in ShieldingData.objects.all():
            pair(one, half)
    assert Pair.objects.count() > 70 and other
    for person in (people.admin, people.contoso):
        client = of(person)
        for address in ("/library/", reverse("library:disk", args=[one.pk])):
            with django_assert_max_num_queries(28):
                client.get(address)

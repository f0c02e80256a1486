"""The library's rows at the API: shapes, filters, and who sees them."""

import pytest

from apps.library.models import Pair, Upload
from conftest import api_client
from tests.library.bringing import bring
from tests.library.makers import pair, shielding_data, template_disk
from tests.people import People

LISTS = ("uploads/", "template-disks/", "shielding-data/", "library/pairs/")
SHAPES = {
    "uploads/": "kind filename size offset status sha256 expires_at item problem",
    "template-disks/": "name filename tenant size_bytes sha256 status container partitions "
    "bitlocker signature problems inspected_by used_by",
    "shielding-data/": "filename tenant size_bytes sha256 status policy purpose owner guardians "
    "qualifiers substitution_keys problems used_by",
    "library/pairs/": "template_disk shielding_data tenant applicable reason",
}


@pytest.fixture
def contosos(people: People) -> Pair:
    bring(people.contoso, "iso", b"an image", "tools.iso")
    return pair(template_disk(people.contoso_tenant), shielding_data(people.contoso_tenant))


@pytest.mark.parametrize("path", LISTS)
def test_rows_have_the_promised_fields_and_their_address(
    path: str, contosos: Pair, people: People
) -> None:
    client = api_client(people.contoso)

    (row,) = client.get(f"/api/v1/{path}").json()["results"]

    assert set(SHAPES[path].split()) | {"id", "url"} <= set(row)
    assert client.get(row["url"]).json() == row


@pytest.mark.parametrize("path", LISTS)
def test_each_role_sees_what_its_grant_says(path: str, contosos: Pair, people: People) -> None:
    def seen(name: str) -> int | str:
        answer = api_client(people.all()[name]).get(f"/api/v1/{path}")
        return answer.json()["count"] if answer.status_code == 200 else answer.status_code

    assert {name: seen(name) for name in people.all()} == {
        "admin": 1, "auditor": 1, "contoso": 1, "fabrikam": 0, "guardian": 403,
    }  # fmt: skip


def test_a_row_of_another_tenant_is_answered_like_one_that_isnt_there(
    contosos: Pair, people: People
) -> None:
    client, url = api_client(people.fabrikam), "/api/v1/template-disks/{}/"

    theirs = client.get(url.format(contosos.template_disk_id))
    nothing = client.get(url.format("00000000-0000-4000-8000-000000000000"))

    assert theirs.status_code == nothing.status_code == 404
    assert theirs.json() == nothing.json()
    assert client.delete(url.format(contosos.template_disk_id)).status_code == 404


def test_an_admin_deletes_what_isnt_used_and_an_auditor_nothing(
    contosos: Pair, people: People
) -> None:
    url = f"/api/v1/shielding-data/{contosos.shielding_data_id}/"

    assert api_client(people.auditor).delete(url).status_code == 403
    assert api_client(people.admin).delete(url).status_code == 204
    assert not Pair.objects.exists()


def test_an_iso_image_stays_an_upload_that_can_be_used(contosos: Pair, people: People) -> None:
    row = api_client(people.contoso).get("/api/v1/uploads/?kind=iso").json()["results"][0]

    assert (row["status"], row["item"], row["problem"]) == ("complete", None, None)
    assert Upload.objects.get().file is not None


def test_values_outside_of_their_words_are_refused_naming_the_field(
    contosos: Pair, people: People
) -> None:
    client = api_client(people.contoso)

    for query in ("status=fine", "tenant=x", "ordering=size", "policy=none"):
        answer = client.get(f"/api/v1/shielding-data/?{query}")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == query.split("=")[0]


def test_lists_cost_the_same_queries_for_any_number_of_rows(
    people: People, django_assert_max_num_queries: object
) -> None:
    for number in range(5):
        disk = template_disk(people.contoso_tenant, f"{number}.vhdx")
        pair(disk, shielding_data(people.contoso_tenant, f"{number}.pdk"))

    for path in LISTS:
        with django_assert_max_num_queries(8):  # type: ignore[operator]
            assert api_client(people.contoso).get(f"/api/v1/{path}").status_code == 200

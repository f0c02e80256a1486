"""The form of many machines, typed or pasted, and the page of their results."""

import pytest
from django.urls import reverse

from apps.operations.models import Operation
from apps.vms.deployments.models import Deployment, DeploymentBatch
from tests.ui.test_components import Rules
from tests.vms.test_deployment_pages import HTMX, filled, of, sealed

pytestmark = pytest.mark.django_db
NEW = "/deployments/batch/new/"
TABLE = "name\tComputerName\tProductKey\nweb-01\tWEB01\tA\nweb-02\tWEB02\tB\n"


def given(body: dict[str, str], *lines: tuple[str, ...], **more: str) -> dict[str, str]:
    """What the form sends: a deployment's fields, and the cells of a table."""
    own = ("name", "host")
    kept = {key: one for key, one in body.items() if key not in own and "value-" not in key}
    cells = {
        f"row-{number}-{place}": text
        for number, line in enumerate(lines)
        for place, text in enumerate(line)
    }
    return kept | cells | {"rows": str(len(lines) or 5)} | more


def test_a_pasted_table_fills_the_form_and_becomes_machines(fabric, data, people):
    client = of(people.contoso)
    body = given(sealed(fabric, data))

    page = client.post(NEW, body | {"do": "fill", "csv": TABLE}).content.decode()
    lines = [("web-01", "", "WEB01", "A"), ("web-02", "alpha-1", "WEB02", "B")]
    answer = client.post(NEW, given(sealed(fabric, data), *lines, do="deploy"))

    assert Rules(page).faults() == []
    for words in ('value="web-01"', 'value="WEB02"', "Computer name, line 2", "2 lines"):
        assert words in page, words
    batch = DeploymentBatch.objects.get()
    assert answer.headers["Location"] == reverse("deployments:batch", args=[batch.pk])
    assert [row.specialization["@ProductKey@"] for row in batch.deployments.order_by("name")] == [
        "A", "B",
    ]  # fmt: skip


def test_what_is_wrong_stands_beside_its_cell_and_what_was_typed_stays(fabric, data, people):
    lines = [("a/b", "", "ONE", "A"), ("web", "alpha-2", "TWO", ""), ("web", "", "THREE", "C")]

    for do, status in (("check", 200), ("deploy", 422)):
        answer = of(people.contoso).post(NEW, given(sealed(fabric, data), *lines, do=do))
        text = answer.content.decode()
        assert answer.status_code == status
        assert Rules(text).faults() == []
        for cell, words in (
            ("row-0-0", "which no folder on Windows may"),
            ("row-1-1", "failed attestation"),
            ("row-1-3", "asks for @ProductKey@"),
            ("row-2-0", "Line 2 has that name already."),
        ):
            assert words in text.split(f'id="id_{cell}_error"')[1].split("</p>")[0], cell
        assert 'value="THREE"' in text
    assert not Deployment.objects.exists()


def test_a_table_that_can_not_be_read_stays_to_be_mended(fabric, data, people):
    body = given(sealed(fabric, data), do="fill", csv="name,Colour\nweb,<red>")

    text = of(people.contoso).post(NEW, body).content.decode()

    assert "There is no column “Colour”" in text
    assert "name,Colour\nweb,&lt;red&gt;</textarea>" in text


def test_a_check_says_where_they_would_be_made_and_lines_are_added_up_to_a_hundred(fabric, people):
    client = of(people.admin)
    checked = client.post(NEW, given(filled(fabric), ("a", ""), ("b", ""), do="check"))
    more = client.post(NEW, given(filled(fabric), do="add", rows="98"))

    text = checked.content.decode()
    assert "All of it can be made" in text and "1 machine<" in text
    assert "100 lines, 100 at most" in more.content.decode()
    assert 'value="add"' not in more.content.decode()
    part = client.post(NEW, given(filled(fabric), do="fields"), headers=HTMX).content.decode()
    assert part.strip().startswith('<form id="batch-form"')
    assert not Operation.objects.exists()


def test_the_page_of_a_batch_shows_each_result_and_offers_what_can_be_done(fabric, people):
    client = of(people.admin)
    address = client.post(NEW, given(filled(fabric), ("a", ""), ("b", ""), do="deploy")).headers[
        "Location"
    ]
    first = Deployment.objects.get(name="a")
    Operation.objects.filter(pk=first.operation_id).update(
        status="failed",
        error={"code": "x", "message": "No.", "hint": "Mend it.", "host_message": "<b>0x1"},
    )

    page = client.get(address).content.decode()
    part = client.get(address, headers=HTMX).content.decode()

    assert Rules(page).faults() == []
    for words in ("1 queued, 1 failed", "No.", "Mend it.", "&lt;b&gt;0x1", f"{address}cancel/"):
        assert words in page and words in part, words
    assert f"{address}retry/" not in page, "it is under way"
    client.post(f"{address}cancel/")
    page = client.get(address).content.decode()
    assert f"{address}retry/" in page and "It was cancelled" in page
    assert client.post(f"{address}retry/").status_code == 302
    assert of(people.auditor).post(f"{address}retry/").status_code == 403
    assert of(people.contoso).get(address).status_code == 404
    assert client.get(f"{address}results/").headers["Content-Type"].startswith("text/csv")

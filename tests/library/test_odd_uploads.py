"""Uploads that nobody sends by mistake alone: of no length, of any, and with a name that climbs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from apps.accounts.services import issue_token
from apps.library.models import StoredFile, Upload
from tests.library.bringing import path_of
from tests.library.serving import Client
from tests.people import People
from tests.serving import served

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def contoso(people: People) -> Iterator[Client]:
    with served() as port:
        yield Client(port, issue_token(actor=None, user=people.contoso, name="test")[1])


def test_a_file_of_no_length_is_refused_before_it_begins(contoso: Client) -> None:
    answer = contoso.begin(0, "empty.vhdx", "template-disk")

    assert answer.status == 400 and answer.json["hint"]
    assert [(e["field"], e["code"]) for e in answer.json["errors"]] == [
        ("Upload-Length", "empty-file")
    ]
    assert not Upload.objects.exists()


@pytest.mark.parametrize("length", ["-1", "", "x", "1.5", "9" * 40])
def test_a_length_that_is_none_is_refused_in_words(contoso: Client, length: str) -> None:
    answer = contoso.send(
        "POST", "/api/v1/uploads/", b"", Upload_Length=length,
        Upload_Metadata="filename YS52aGR4,kind ZGlzaw==",
    )  # fmt: skip

    assert answer.status in (400, 413) and answer.json["detail"]
    assert not Upload.objects.exists()


@pytest.mark.parametrize("name", ["../../../etc/cron.d/x", "..\\..\\x", "/etc/x", "C:\\x"])
def test_a_name_that_climbs_leads_nowhere(contoso: Client, name: str) -> None:
    path = contoso.begin(3, name).headers["Location"]

    assert contoso.chunk(path, 0, b"abc").status == 204

    assert contoso.row(path)["filename"] == "x"
    root, kept = (
        Path(settings.FABRIC_DATA_DIR).resolve(),
        path_of(StoredFile.objects.get()).resolve(),
    )
    assert kept.is_relative_to(root) and kept.name != "x"

"""A tenant's content is the tenant's: whoever else looks finds what is written about it."""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client as Browser

from apps.accounts import services
from apps.accounts.choices import Role
from apps.accounts.models import User
from apps.accounts.services import issue_token
from apps.fabric.models import Cluster, Host
from apps.library import content
from apps.library.models import ShieldingData, StoredFile, Upload
from apps.operations.models import Operation
from tests.library.bringing import item
from tests.library.serving import Client
from tests.people import People
from tests.web import Web

pytestmark = pytest.mark.django_db(transaction=True)
MARK = b"the-local-administrators-password-is-here"
CONTENT = (MARK + b".") * 3000
#: The beginning of an upload that ends within a block of SHA-256 and within the mark.
BEGUN = CONTENT[: 64 * 100 + 50]
OTHERS = ("admin", "guardian", "auditor", "fabrikam")


@pytest.fixture
def web(tmp_path: Path, people: People) -> Iterator[Web]:
    with Web(tmp_path, FABRIC_LOG_LEVEL="DEBUG") as running:
        yield running


@pytest.fixture
def clients(web: Web, people: People) -> dict[str, Client]:
    made = {
        name: Client(web.port, issue_token(actor=None, user=user, name="t")[1])
        for name, user in people.all().items()
    }
    return made | {"nobody": Client(web.port)}


@pytest.fixture
def data(people: People) -> ShieldingData:
    return item(people.contoso, "shielding-data", CONTENT, "tier0.pdk")


@pytest.fixture
def begun(clients: dict[str, Client]) -> Upload:
    path = clients["contoso"].begin(len(CONTENT), "tier1.pdk", "shielding-data").headers["Location"]
    assert clients["contoso"].chunk(path, 0, BEGUN).status == 204
    return Upload.objects.select_related("file").get(status="receiving")


@pytest.fixture
def grant(data: ShieldingData) -> str:
    """The address that one host was told."""
    cluster = Cluster.objects.create(
        name="alpha", address="192.0.2.1", port=1, use_tls=False, transport="ntlm"
    )
    host = Host.objects.create(cluster=cluster, name="alpha-1", address="127.0.0.77")
    operation = Operation.objects.create(kind="t", target_kind="t", target_id="1", title="t")
    return "/content/" + content.grant(data, host, operation).split("/content/")[1]


def addresses(data: ShieldingData, begun: Upload, grant: str) -> list[str]:
    """What is served about the two files, and what somebody might guess of them."""
    files: list[StoredFile] = [data.file, begun.file]  # type: ignore[list-item]
    guesses = [
        form.format(id=file.pk, key=file.key, tenant=file.tenant_id, sha=data.sha256)
        for file in files
        for form in (
            "/content/{id}/", "/content/{key}/", "/content/own/{id}/", "/content/{sha}/",
            "/media/{key}", "/library/{key}", "/static/../library/{key}",
            "/static/%2e%2e/library/{key}", "/static/..%2flibrary%2f{key}",
            "/content/..%2f..%2flibrary%2f{key}",
        )
    ]  # fmt: skip
    return [
        f"/api/v1/uploads/{begun.pk}/",
        "/api/v1/uploads/",
        f"/api/v1/shielding-data/{data.pk}/",
        f"/api/v1/shielding-data/{data.pk}/content/",
        f"/api/v1/template-disks/{data.pk}/content/",
        "/api/v1/shielding-data/",
        "/api/v1/library/pairs/",
        "/api/v1/operations/",
        "/api/v1/audit/entries/",
        "/library/",
        f"/library/shielding-data/{data.pk}/",
        grant,
        grant.replace("/content/", "/content/own/"),
        *guesses,
    ]


def test_others_are_told_of_a_file_and_never_what_is_in_it(
    clients: dict[str, Client], data: ShieldingData, begun: Upload, grant: str
) -> None:
    for name in (*OTHERS, "nobody"):
        for address in addresses(data, begun, grant):
            for more in ({}, {"Range": "bytes=0-99"}, {"Accept": "application/octet-stream"}):
                answer = clients[name].send("GET", address, **more)
                assert MARK not in answer.body, (name, address)
                assert answer.status != 206 and "/content/own/" not in str(answer.headers)

    told = clients["admin"].row(f"/api/v1/shielding-data/{data.pk}/")
    assert (told["filename"], told["size_bytes"]) == ("tier0.pdk", len(CONTENT))
    assert told["sha256"] == data.sha256 and told["status"] and told["tenant"]["name"] == "contoso"
    owner = clients["contoso"]
    way = owner.send("GET", f"/api/v1/shielding-data/{data.pk}/content/").headers["Location"]
    assert owner.send("GET", way).body == CONTENT


def became_a_tenants(people: People) -> User:
    """An account that an admin makes, to have one of the tenant's."""
    made = services.create_user(actor=people.admin, username="puppet", role=Role.HGS_ADMIN)
    return services.change_role(
        actor=people.admin, user=made, role=Role.TENANT, tenant=people.contoso_tenant
    )


def was_given_a_password(people: People) -> User:
    services.set_password(actor=people.admin, user=people.contoso, password="Correct.Horse.78")
    return people.contoso


def used_a_link(people: People) -> User:
    _, key = services.issue_password_link(actor=people.admin, user=people.contoso)
    return services.use_password_link(key=key, password="Correct.Horse.79")


@pytest.mark.parametrize("taken_over", [became_a_tenants, was_given_a_password, used_a_link])
def test_who_manages_people_gets_no_file_through_an_account_of_the_tenant(
    web: Web, people: People, data: ShieldingData, taken_over: Callable[[People], User]
) -> None:
    user = taken_over(people)
    client = Client(web.port, issue_token(actor=None, user=user, name="t")[1])

    answer = client.send("GET", f"/api/v1/shielding-data/{data.pk}/content/")
    browser = Browser()
    browser.force_login(User.objects.get(pk=user.pk))
    page = browser.get(f"/library/shielding-data/{data.pk}/").content.decode()

    assert answer.status == 403 and b"after this file came" in answer.body
    assert "after this file came" in page and "/content/" not in page
    later = item(user, "shielding-data", CONTENT, "later.pdk")
    way = client.send("GET", f"/api/v1/shielding-data/{later.pk}/content/").headers["Location"]
    assert client.send("GET", way).body == CONTENT


def test_who_chooses_another_password_keeps_the_files(
    web: Web, people: People, data: ShieldingData
) -> None:
    people.contoso.set_password("Correct.Horse.76")
    people.contoso.save()
    services.change_own_password(
        user=people.contoso, before="Correct.Horse.76", password="Correct.Horse.77", address="::1"
    )
    client = Client(web.port, issue_token(actor=None, user=people.contoso, name="t")[1])

    way = client.send("GET", f"/api/v1/shielding-data/{data.pk}/content/").headers["Location"]

    assert client.send("GET", way).body == CONTENT


def test_neither_the_log_nor_the_journal_of_what_happened_holds_content_or_the_way_to_it(
    web: Web, clients: dict[str, Client], data: ShieldingData, begun: Upload, grant: str
) -> None:
    way = (
        clients["contoso"]
        .send("GET", f"/api/v1/shielding-data/{data.pk}/content/")
        .headers["Location"]
    )
    for path in (way, grant, grant[:-3] + "/"):
        clients["nobody"].send("GET", path)
    clients["contoso"].chunk(f"/api/v1/uploads/{begun.pk}/", 5, b"x")

    log = web.log.read_bytes()
    entries = clients["admin"].send("GET", "/api/v1/audit/entries/?limit=1000").body

    for held in (log, entries):
        assert MARK not in held
        for path in (way, grant):
            assert path.rstrip("/").rsplit("/", 1)[1].encode() not in held


def test_a_copy_of_the_database_holds_neither(
    data: ShieldingData, begun: Upload, grant: str, tmp_path: Path
) -> None:
    copy = _copy_of_the_database(tmp_path)

    assert begun.filename.encode() in copy and len(begun.hash_state) == 64
    for number in range(len(MARK) - 12):
        assert MARK[number : number + 12] not in copy
        assert MARK[number : number + 12].hex().encode() not in copy
    assert grant.strip("/").rsplit("/", 1)[1].encode() not in copy


def _copy_of_the_database(folder: Path) -> bytes:
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with contextlib.closing(sqlite3.connect(folder / "copy.sqlite3")) as target:
            raw: Any = connection.connection
            raw.backup(target)
        return (folder / "copy.sqlite3").read_bytes()
    call_command("dumpdata", output=str(folder / "copy.json"), verbosity=0)
    return (folder / "copy.json").read_bytes()


def test_from_its_hosts_own_network_address_the_way_opens_and_from_no_other(
    web: Web, clients: dict[str, Client], grant: str
) -> None:
    from tests.library.test_content_for_hosts import fetch

    assert fetch(web.port, "127.0.0.77", grant) == (200, CONTENT)
    assert fetch(web.port, "127.0.0.78", grant)[0] == 404
    warning = web.log.read_text()
    assert re.search(r"Content for alpha-1 was asked for from 127\.0\.0\.78", warning)

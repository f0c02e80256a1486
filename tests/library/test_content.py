"""A file for the host that was told its address, for as long as the work takes; for nobody else."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.services import issue_token
from apps.fabric.models import Cluster, Host
from apps.library import content, usage
from apps.library.models import ContentGrant, TemplateDisk
from apps.operations.models import Operation
from tests.library import disks
from tests.library.bringing import item, path_of
from tests.library.serving import Client
from tests.people import People
from tests.serving import served

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def port() -> Iterator[int]:
    with served() as number:
        yield number


@pytest.fixture
def disk(people: People) -> TemplateDisk:
    return item(people.contoso, "template-disk", disks.protected(), "web.vhdx")


@pytest.fixture
def host(db: None) -> Host:
    cluster = Cluster.objects.create(
        name="alpha", address="192.0.2.1", port=1, use_tls=False, transport="ntlm"
    )
    return Host.objects.create(cluster=cluster, name="alpha-1", address="127.0.0.1")


@pytest.fixture
def path(disk: TemplateDisk, host: Host) -> str:
    operation = Operation.objects.create(kind="t", target_kind="t", target_id="1", title="t")
    return "/content/" + content.grant(disk, host, operation).split("/content/")[1]


def test_a_host_fetches_all_of_it_or_goes_on_where_it_stopped(port: int, path: str) -> None:
    client = Client(port)

    whole = client.send("GET", path)
    rest = client.send("GET", path, Range="bytes=1048576-")
    part = client.send("GET", path, Range="bytes=10-19")
    head = client.send("HEAD", path)

    assert (whole.status, whole.body) == (200, disks.protected())
    assert (rest.status, rest.body) == (206, disks.protected()[1 << 20 :])
    assert part.body == disks.protected()[10:20]
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(disks.protected())}"
    assert head.headers["Content-Length"] == str(len(disks.protected())) and not head.body
    assert client.send("GET", path, Range="bytes=99999999999-").status == 416


ENDS: dict[str, Callable[[], object]] = {
    "the operation ended": lambda: Operation.objects.update(status="succeeded"),
    "it was revoked": lambda: content.revoke(Operation.objects.get()),
    "it expired": lambda: ContentGrant.objects.update(
        expires_at=timezone.now() - timedelta(seconds=1)
    ),
    "somebody else asks": lambda: Host.objects.update(address="192.0.2.11"),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_address_is_nothing_once(end: str, port: int, path: str) -> None:
    assert Client(port).send("HEAD", path).status == 200

    ENDS[end]()

    assert Client(port).send("GET", path).status == 404


def test_guessed_addresses_are_nothing(port: int, path: str) -> None:
    for guess in ("/content/", "/content/x/", path[:-2] + "/", "/content/own/x/"):
        assert Client(port).send("GET", guess).status == 404


def test_an_address_opens_its_own_file_and_no_other(port: int, path: str, people: People) -> None:
    sealed = b"the answer file of another machine" * 1000
    other = item(people.contoso, "shielding-data", sealed, "tier0.pdk")
    ways = (
        f"{path}{other.file.pk}/", f"{path}../{other.file.key}/", f"{path}..%2f{other.file.key}",
        f"{path}?file={other.file.pk}", f"{path}?key={other.file.key}",
        path.replace("/content/", f"/content/{other.file.pk}/"),
        path.replace("/content/", "/content/own/"),
    )  # fmt: skip

    for way in ways:
        answer = Client(port).send("GET", way)
        assert answer.status == 404 or answer.body == disks.protected(), way
        assert sealed[:34] not in answer.body, way


def test_owners_get_their_file_and_nobody_else_does(
    port: int, disk: TemplateDisk, people: People
) -> None:
    url = f"/api/v1/template-disks/{disk.pk}/content/"
    tokens = {
        name: issue_token(actor=None, user=user, name="t")[1] for name, user in people.all().items()
    }

    answers = {name: Client(port, token).send("GET", url) for name, token in tokens.items()}

    assert {name: answer.status for name, answer in answers.items()} == {
        "contoso": 302, "fabrikam": 404, "admin": 403, "auditor": 403, "guardian": 403,
    }  # fmt: skip
    own = Client(port).send("GET", answers["contoso"].headers["Location"])
    assert own.body == disks.protected()


def test_a_file_that_something_needs_isnt_deleted(
    port: int, disk: TemplateDisk, people: People
) -> None:
    needs = {disk.pk: [{"kind": "vm", "id": "1", "name": "web-01"}]}
    usage.register(ask := lambda noun, ids: needs if noun == disk.noun else {})
    client = Client(port, issue_token(actor=None, user=people.contoso, name="t")[1])
    url = f"/api/v1/template-disks/{disk.pk}/"
    try:
        refused, row = client.send("DELETE", url), client.row(url)
    finally:
        usage.unregister(ask)
    gone = client.send("DELETE", url)

    assert (refused.status, refused.slug) == (409, "in-use") and "web-01" in refused.json["detail"]
    assert row["used_by"] == needs[disk.pk]
    assert gone.status == 204 and not path_of(disk.file).exists()

"""Uploads over a real socket: what arrives, what is kept of it, who may, and who writes."""

import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import tusclient.client
from django.test import Client as Browser
from django.utils import timezone

from apps.accounts.models import Tenant
from apps.accounts.services import issue_token
from apps.audit.models import AuditEntry
from apps.library import arrival, storage, sweeping, uploads
from apps.library.models import StoredFile, Upload
from apps.library.names import clean
from tests.library.bringing import path_of
from tests.library.serving import UPLOADS, Client, checksum
from tests.people import PASSWORD, People
from tests.serving import served
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 1 << 20
BYTES = os.urandom(5 * MIB)


@pytest.fixture
def port() -> Iterator[int]:
    with served() as number:
        yield number


def client_of(port: int, user: object) -> Client:
    return Client(port, issue_token(actor=None, user=user, name="test")[1])


@pytest.fixture
def contoso(port: int, people: People) -> Client:
    return client_of(port, people.contoso)


def begun(client: Client, length: int = len(BYTES)) -> str:
    return client.begin(length).headers["Location"]


def upload_of(path: str) -> Upload:
    return Upload.objects.select_related("file").get(pk=path.rstrip("/").rsplit("/", 1)[1])


def test_the_protocols_own_client_brings_a_file_in_whole(contoso: Client, tmp_path: Path) -> None:
    source = tmp_path / "disk.vhdx"
    source.write_bytes(BYTES)
    client = tusclient.client.TusClient(
        f"http://127.0.0.1:{contoso.port}{UPLOADS}", headers=contoso.headers
    )

    with source.open("rb") as stream:
        uploader = client.uploader(
            file_stream=stream, chunk_size=MIB, metadata={"filename": "disk.vhdx", "kind": "disk"}
        )
        uploader.upload()
    path = uploader.url.split(str(contoso.port), 1)[1]
    arrival.receive(upload_of(path).pk)

    row = contoso.row(path)
    assert (row["status"], row["offset"]) == ("complete", len(BYTES))
    assert row["sha256"] == hashlib.sha256(BYTES).hexdigest()
    assert path_of(upload_of(path).file).read_bytes() == BYTES


def test_the_first_bytes_may_come_with_the_creation(contoso: Client) -> None:
    answer = contoso.send(
        "POST", UPLOADS, BYTES[:1000], Upload_Length="5000",
        Upload_Metadata="filename YS52aGR4,kind ZGlzaw==",
        Content_Type="application/offset+octet-stream",
    )  # fmt: skip

    assert answer.status == 201
    assert contoso.offset(answer.headers["Location"]) == 1000


def test_what_came_before_a_cut_is_kept_and_a_restarted_portal_goes_on(
    contoso: Client, people: People
) -> None:
    path = begun(contoso)
    contoso.half(path, 0, 4 * MIB, BYTES[: 2 * MIB]).close()
    wait_for(lambda: contoso.offset(path) == 2 * MIB, "the offset of what came")

    with served() as port:
        again = client_of(port, people.contoso)
        assert again.chunk(path, 2 * MIB, BYTES[2 * MIB :]).status == 204
    arrival.receive(upload_of(path).pk)

    assert contoso.row(path)["sha256"] == hashlib.sha256(BYTES).hexdigest()


def test_part_of_a_chunk_with_a_checksum_isnt_kept(contoso: Client) -> None:
    path = begun(contoso)
    contoso.half(path, 0, MIB, BYTES[:1000], Upload_Checksum=checksum(BYTES[:MIB])).close()
    wait_for(
        lambda: contoso.chunk(path, 0, BYTES[:10]).status == 204, "the first writer to be gone"
    )

    assert contoso.offset(path) == 10


def test_a_chunk_with_another_checksum_is_dropped(contoso: Client) -> None:
    path = begun(contoso)
    contoso.chunk(path, 0, BYTES[:MIB], Upload_Checksum=checksum(BYTES[:MIB]))

    answer = contoso.chunk(path, MIB, BYTES[MIB : 2 * MIB], Upload_Checksum=checksum(b"other"))

    assert (answer.status, answer.slug) == (460, "upload-checksum")
    assert contoso.offset(path) == MIB
    contoso.chunk(path, MIB, BYTES[MIB:])
    assert upload_of(path).sha256 == hashlib.sha256(BYTES).hexdigest()


def test_a_second_writer_is_told_to_wait(contoso: Client) -> None:
    path = begun(contoso)
    link = contoso.half(path, 0, 3 * MIB, BYTES[: 2 * MIB])
    file = path_of(upload_of(path).file)
    wait_for(lambda: file.stat().st_size >= MIB, "the first writer's bytes")

    second = contoso.chunk(path, 0, b"x" * 100)
    link.sendall(BYTES[2 * MIB : 3 * MIB])
    first = link.recv(100)
    link.close()

    assert second.status == 423
    assert b" 204 " in first
    assert file.read_bytes() == BYTES[: 3 * MIB]


def test_an_upload_that_is_ended_takes_its_writer_along(contoso: Client) -> None:
    path = begun(contoso)
    link = contoso.half(path, 0, 3 * MIB, BYTES[: 2 * MIB])
    file = path_of(upload_of(path).file)
    wait_for(lambda: file.stat().st_size >= MIB, "the writer's bytes")

    assert contoso.send("DELETE", path).status == 204
    link.sendall(BYTES[2 * MIB : 3 * MIB])
    answer = link.recv(100)
    link.close()

    assert b" 409 " in answer
    assert contoso.send("HEAD", path).status == 404
    assert not file.exists() and not StoredFile.objects.exists()


def test_a_chunk_may_neither_begin_elsewhere_nor_go_beyond_the_length(contoso: Client) -> None:
    path = begun(contoso, 1000)
    contoso.chunk(path, 0, BYTES[:500])

    elsewhere, beyond = contoso.chunk(path, 400, b"x"), contoso.chunk(path, 500, b"x" * 501)

    assert (elsewhere.status, elsewhere.slug) == (409, "upload-offset")
    assert elsewhere.headers["Upload-Offset"] == "500"
    assert beyond.status == 413 and contoso.offset(path) == 500


def test_a_refused_chunk_of_megabytes_still_hears_its_answer(contoso: Client) -> None:
    path = begun(contoso)

    answer = contoso.chunk(path, 7, BYTES[: 4 * MIB])

    assert (answer.status, answer.slug) == (409, "upload-offset")


def test_room_is_asked_for_before_the_first_byte(contoso: Client, people: People) -> None:
    Tenant.objects.filter(pk=people.contoso_tenant.pk).update(quota_bytes=3000)
    first, second = contoso.begin(2000), contoso.begin(2000)
    Tenant.objects.filter(pk=people.contoso_tenant.pk).update(quota_bytes=10**18)
    third, fourth = contoso.begin(6 * 10**13), contoso.begin(10**17)

    assert [one.status for one in (first, second, third, fourth)] == [201, 413, 507, 507]
    assert (second.slug, third.slug, fourth.slug) == ("quota-exceeded", "no-space", "no-space")
    assert storage.used_by(people.contoso_tenant) == 2000


def test_room_is_asked_for_again_while_bytes_arrive(
    contoso: Client, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.urandom(9 * MIB)
    path = begun(contoso, len(whole))
    tenant = Tenant.objects.filter(pk=people.contoso_tenant.pk)

    tenant.update(quota_bytes=1000)
    lowered = contoso.chunk(path, 0, whole)
    assert (lowered.status, lowered.slug) == (413, "quota-exceeded") and lowered.json["hint"]
    tenant.update(quota_bytes=1 << 40)
    at = contoso.offset(path)
    assert 8 * MIB <= at < len(whole)  # what came isn't lost

    again = begun(contoso, len(whole))
    monkeypatch.setattr(storage, "KEPT_FREE", 1 << 60)  # as if others had taken the disk meanwhile
    full = contoso.chunk(again, 0, whole)
    monkeypatch.undo()

    assert (full.status, full.slug) == (507, "no-space") and full.json["hint"]
    for one in (path, again):
        at = contoso.offset(one)
        assert contoso.chunk(one, at, whole[at:]).status == 204
        assert upload_of(one).sha256 == hashlib.sha256(whole).hexdigest()


def test_files_that_no_row_is_about_go_after_a_day(contoso: Client) -> None:
    kept, orphan, young = (path_of(upload_of(begun(contoso)).file) for _ in range(3))
    rows = StoredFile.objects.exclude(pk=kept.name)
    Upload.objects.filter(file__in=rows).update(file=None)
    rows.delete()
    for path in (kept, orphan):
        os.utime(path, (0, 0))

    sweeping.tidy()

    assert (kept.exists(), orphan.exists(), young.exists()) == (True, False, True)


@pytest.mark.parametrize("name", ["guardian", "auditor", "admin"])
def test_roles_without_a_library_of_their_own_may_not_upload(
    name: str, port: int, people: People
) -> None:
    answer = client_of(port, people.all()[name]).begin(10)

    assert (answer.status, answer.slug) == (403, "forbidden")


def test_an_upload_of_another_tenant_isnt_there(contoso: Client, port: int, people: People) -> None:
    path = begun(contoso)
    other, nobody = client_of(port, people.fabrikam), Client(port)

    assert {other.send(verb, path).status for verb in ("HEAD", "GET", "DELETE")} == {404}
    assert other.chunk(path, 0, b"x").status == 404
    assert nobody.send("HEAD", path).status == nobody.begin(10).status == 401


def test_a_browser_needs_its_csrf_token(port: int, people: People, settings: object) -> None:
    browser = Browser()
    browser.login(username="contoso", password=PASSWORD)
    token = "t" * 32
    cookies = f"fabric_session={browser.cookies['fabric_session'].value}; fabric_csrf={token}"

    without = Client(port, Cookie=cookies).begin(10)
    right = Client(port, Cookie=cookies).begin(10, X_CSRFToken=token)

    assert (without.status, right.status) == (403, 201)


def test_the_same_idempotency_key_is_the_same_upload(contoso: Client) -> None:
    first, second = (contoso.begin(10, Idempotency_Key="one") for _ in range(2))
    other = contoso.begin(11, Idempotency_Key="one")

    assert first.headers["Location"] == second.headers["Location"]
    assert (second.status, other.status) == (201, 409)
    assert Upload.objects.count() == 1


def test_what_doesnt_speak_the_protocol_is_told_what_to_send(contoso: Client) -> None:
    path = begun(contoso)

    missing = contoso.chunk(path, 0, b"x", Tus_Resumable=None)
    older = contoso.chunk(path, 0, b"x", Tus_Resumable="0.2.2")
    typed = contoso.send("PATCH", path, b"x", Upload_Offset="0", Content_Type="text/plain")

    assert [missing.status, older.status, typed.status] == [412, 412, 415]
    assert older.headers["Tus-Version"] == "1.0.0"


def test_an_upload_that_stood_still_expires_with_its_bytes(contoso: Client) -> None:
    path = begun(contoso)
    contoso.chunk(path, 0, BYTES[:1000])
    file = path_of(upload_of(path).file)
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    uploads.sweep()

    answer = contoso.chunk(path, 1000, b"x")
    assert (answer.status, answer.slug) == (410, "upload-expired")
    assert contoso.row(path)["status"] == "expired"
    assert not file.exists() and not StoredFile.objects.exists()


def test_the_log_tells_who_began_finished_and_removed_a_file(contoso: Client) -> None:
    path = begun(contoso, 100)
    contoso.chunk(path, 0, BYTES[:100])
    arrival.receive(upload_of(path).pk)
    contoso.send("DELETE", path)

    told = AuditEntry.objects.filter(target_kind="upload").values_list("action", "actor_name")
    assert list(told.order_by("index")) == [
        (f"upload.{verb}", "contoso") for verb in ("begin", "complete", "delete")
    ]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\disks\\web.vhdx", "web.vhdx"),
        ("a\"b'c<d>.vhdx", "a_b'c_d_.vhdx"),
        ("line\nfeed\x00\x1b[31m.vhdx", "line_feed__[31m.vhdx"),
        ("CON", "_CON"),
        ("..", ""),
        ("\u202egnp.vhdx", "gnp.vhdx"),
        ("a" * 5000 + ".vhdx", "a" * 195 + ".vhdx"),
    ],
)
def test_a_files_name_is_a_name_and_nothing_else(given: str, kept: str) -> None:
    assert clean(given) == kept

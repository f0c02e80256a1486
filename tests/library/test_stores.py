"""Uploads into a folder and into a bucket: the same protocol, the same promises, several web
processes, some of which are killed.
"""

import hashlib
import io
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import tusclient.client
from django.utils import timezone

from apps.accounts.services import issue_token
from apps.common import redis
from apps.library import arrival, scrub, stores, sweeping, uploads
from apps.library.models import StoredFile, Upload
from apps.library.tus import lease
from tests import s3
from tests.library import disks
from tests.library.bringing import bring, item, work
from tests.library.serving import UPLOADS, Client, checksum
from tests.people import People
from tests.serving import served
from tests.waiting import wait_for
from tests.web import Web, several

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 1 << 20
BYTES = os.urandom(21 * MIB + 77)
SHA256 = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture(scope="module")
def service() -> Iterator[s3.Service]:
    weed = s3.binary()
    if weed is None:
        pytest.skip("no S3 service on this machine")
    with s3.server(weed) as running:
        yield running


@pytest.fixture(params=["folder", "bucket"])
def environment(request: pytest.FixtureRequest, settings: Any) -> dict[str, str]:
    """Both stores: this process's settings, and what other processes have to be told."""
    if request.param == "folder":
        return {}
    running: s3.Service = request.getfixturevalue("service").fresh()
    settings.STORAGES = settings.STORAGES | {"library": running.storage}
    return running.environment


@pytest.fixture
def bucket(service: s3.Service, settings: Any) -> s3.Service:
    mine = service.fresh()
    settings.STORAGES = settings.STORAGES | {"library": mine.storage}
    return mine


@pytest.fixture
def token(people: People) -> str:
    return issue_token(actor=None, user=people.contoso, name="test")[1]


def upload_of(path: str) -> Upload:
    return Upload.objects.select_related("file").get(pk=path.rstrip("/").rsplit("/", 1)[1])


def content_of(path: str) -> bytes:
    file = upload_of(path).file
    assert file is not None
    with stores.current().open(file) as content:
        return b"".join(content.pieces(0, content.size - 1))


def test_one_file_goes_up_through_two_web_processes_in_turn(
    environment: dict[str, str], token: str, tmp_path: Path
) -> None:
    with several(tmp_path, 2, **environment) as webs:
        first, second = (Client(web.port, token) for web in webs)
        path = first.begin(len(BYTES)).headers["Location"]
        at = 0
        for number, length in enumerate([1, 5 * MIB, 63, 8 * MIB, 3 * MIB + 1, len(BYTES)]):
            piece = BYTES[at : at + length]
            answer = (first, second)[number % 2].chunk(path, at, piece)
            at += len(piece)
            assert (answer.status, int(answer.headers["Upload-Offset"])) == (204, at)

    upload = upload_of(path)
    assert (upload.status, upload.sha256) == ("verifying", SHA256)  # nobody read it again
    arrival.receive(upload.pk)
    assert upload_of(path).status == "complete" and content_of(path) == BYTES


def test_the_second_writer_waits_wherever_it_asks_and_a_killed_ones_place_ends_by_itself(
    environment: dict[str, str], token: str, tmp_path: Path
) -> None:
    with several(tmp_path, 2, **environment) as webs:
        first, second = (Client(web.port, token) for web in webs)
        path = first.begin(len(BYTES)).headers["Location"]
        link = first.half(path, 0, len(BYTES), BYTES[: 18 * MIB])
        wait_for(lambda: second.offset(path) >= 8 * MIB, "what the first writer brought")

        locked = second.chunk(path, 0, b"x")
        assert locked.status == 423 and locked.json["hint"]
        webs[0].kill()
        link.close()
        wait_for(lambda: not _is_held(path), "the end of the killed writer's place", 40)
        at = second.offset(path)
        assert second.chunk(path, at, BYTES[at:]).status == 204

    assert upload_of(path).sha256 == SHA256
    arrival.receive(upload_of(path).pk)
    assert content_of(path) == BYTES


def _is_held(path: str) -> bool:
    """Whether somebody writes to an upload, asked without trying to."""
    return bool(redis.client().exists(lease.key_of(upload_of(path).pk)))


def test_the_protocols_own_client_gets_it_through_a_portal_that_is_killed(
    environment: dict[str, str], token: str, tmp_path: Path
) -> None:
    with Web(tmp_path, **environment) as web:
        client = tusclient.client.TusClient(
            web.url + UPLOADS, headers={"Authorization": f"Bearer {token}"}
        )
        uploader = client.uploader(
            file_stream=io.BytesIO(BYTES), chunk_size=3 * MIB,
            metadata={"filename": "disk.vhdx", "kind": "disk"},
        )  # fmt: skip
        uploader.upload_chunk()
        _kill_amid_a_chunk(web, token, uploader)
        uploader.upload()
        path = "/" + uploader.url.split("/", 3)[3]
        assert upload_of(path).sha256 == SHA256
    arrival.receive(upload_of(path).pk)
    assert content_of(path) == BYTES


def _kill_amid_a_chunk(web: Web, token: str, uploader: Any) -> None:
    path, at = "/" + uploader.url.split("/", 3)[3], uploader.offset
    link = Client(web.port, token).half(path, at, 3 * MIB, BYTES[at : at + 2 * MIB])
    wait_for(lambda: _is_held(path), "the writer")
    web.kill()
    link.close()
    web.start()
    wait_for(lambda: not _is_held(path), "the end of the killed writer's place", 40)
    uploader.offset = uploader.get_offset()


def test_several_files_at_once_and_each_is_whole(
    environment: dict[str, str], token: str, tmp_path: Path
) -> None:
    files = [os.urandom(9 * MIB + number) for number in range(4)]
    paths: list[str] = [""] * len(files)

    with several(tmp_path, 2, **environment) as webs:

        def send(number: int) -> None:
            client, content = Client(webs[number % 2].port, token), files[number]
            paths[number] = client.begin(len(content)).headers["Location"]
            for at in range(0, len(content), 4 * MIB):
                assert client.chunk(paths[number], at, content[at : at + 4 * MIB]).status == 204

        threads = [threading.Thread(target=send, args=(number,)) for number in range(len(files))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    for path, content in zip(paths, files, strict=True):
        arrival.receive(upload_of(path).pk)
        assert upload_of(path).sha256 == hashlib.sha256(content).hexdigest()
        assert content_of(path) == content


def test_a_bit_of_rot_is_found_in_a_bucket(bucket: s3.Service, people: People) -> None:
    upload = bring(people.contoso, "iso", BYTES, "setup.iso")
    assert upload.file is not None
    scrub.ask(actor=None, subject=upload)
    assert work()[0].status == "succeeded"

    rotten = BYTES[: 5 * MIB] + bytes([BYTES[5 * MIB] ^ 1]) + BYTES[5 * MIB + 1 :]
    key = f"{bucket.prefix}/{upload.file.key}"
    bucket.client().put_object(Bucket=s3.BUCKET, Key=key, Body=rotten)
    scrub.ask(actor=None, subject=upload)

    assert (work()[0].error or {})["code"] == "damaged"
    upload.refresh_from_db()
    assert upload.status == "refused" and upload.file.__class__.objects.get().is_intact is False


def test_in_a_bucket_a_wrong_chunk_leaves_nothing_behind(bucket: s3.Service, token: str) -> None:
    with served() as port:
        client = Client(port, token)
        path = client.begin(len(BYTES)).headers["Location"]
        client.chunk(path, 0, BYTES[:MIB])

        wrong = client.chunk(path, MIB, BYTES[MIB : 18 * MIB], Upload_Checksum=checksum(b"other"))
        right = client.chunk(path, MIB, BYTES[MIB:], Upload_Checksum=checksum(BYTES[MIB:]))

    assert (wrong.status, wrong.slug, right.status) == (460, "upload-checksum", 204)
    arrival.receive(upload_of(path).pk)
    assert content_of(path) == BYTES
    assert bucket.keys() == [upload_of(path).file.key]


def test_in_a_bucket_an_upload_that_expires_or_is_ended_is_gone_with_its_parts(
    bucket: s3.Service, token: str
) -> None:
    with served() as port:
        client = Client(port, token)
        paths = [client.begin(len(BYTES)).headers["Location"] for _ in range(2)]
        for path in paths:
            client.chunk(path, 0, BYTES[: 9 * MIB])
        assert len(bucket.unfinished()) == 2 and len(bucket.keys()) == 2  # two parts begun

        client.send("DELETE", paths[0])
        Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        uploads.sweep()

    assert bucket.unfinished() == bucket.keys() == []
    assert not StoredFile.objects.exists()


def test_in_a_bucket_an_upload_that_no_row_is_about_is_ended_after_a_day(
    bucket: s3.Service, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served() as port:
        client = Client(port, token)
        paths = [client.begin(len(BYTES)).headers["Location"] for _ in range(2)]
    kept, orphan = (upload_of(path) for path in paths)
    StoredFile.objects.filter(pk=orphan.file_id).delete()

    sweeping.tidy()
    assert len(bucket.unfinished()) == 2  # its row might still be on its way
    monkeypatch.setattr("apps.library.stores.s3.UNTOUCHED", timedelta(seconds=-1))
    sweeping.tidy()

    assert bucket.unfinished() == [kept.file.key]


def test_a_bucket_that_isnt_there_is_said_so_and_the_upload_goes_on_later(
    bucket: s3.Service, token: str, settings: Any
) -> None:
    with served() as port:
        client = Client(port, token)
        path = client.begin(1000).headers["Location"]
        whole = settings.STORAGES
        options = bucket.storage["OPTIONS"] | {"endpoint_url": "http://127.0.0.1:9"}
        settings.STORAGES = whole | {"library": bucket.storage | {"OPTIONS": options}}
        away = client.chunk(path, 0, BYTES[:1000])
        settings.STORAGES = whole
        again = client.chunk(path, client.offset(path), BYTES[:1000])

    assert (away.status, away.slug) == (503, "unavailable") and away.json["hint"]
    assert again.status == 204


def test_from_a_bucket_files_are_looked_into_and_given_out_by_the_portal(
    bucket: s3.Service, people: People, token: str
) -> None:
    disk = item(people.contoso, "template-disk", disks.protected(), "web.vhdx")
    assert disk.status == "waiting-for-host" and disk.partitions  # it was read where it lies

    with served() as port:
        client = Client(port, token)
        url = f"/api/v1/template-disks/{disk.pk}/content/"
        own = client.send("GET", url).headers["Location"]
        whole = client.send("GET", own)
        rest = client.send("GET", own, Range="bytes=1048577-")

    assert own.startswith("/content/") and whole.body == disks.protected()
    assert (rest.status, rest.body) == (206, disks.protected()[1048577:])

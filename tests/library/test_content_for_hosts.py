"""Many hosts at once, each by its own address; a cut, a second wish for the same file, a limit."""

import http.client
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from apps.fabric.models import Cluster, Host
from apps.library import content, staging
from apps.library.hosts import choose
from apps.library.models import ContentGrant, StagedFile, TemplateDisk
from apps.operations.context import Context
from apps.operations.models import Operation
from tests.fabric.fixtures import RunningLab
from tests.library import disks
from tests.library.bringing import item
from tests.people import People
from tests.serving import served

MIB = 1 << 20


@pytest.fixture
def port() -> Iterator[int]:
    with served() as number:
        yield number


@pytest.fixture
def disk(people: People) -> TemplateDisk:
    return item(people.contoso, "template-disk", disks.protected(), "web.vhdx")


def operation_of(number: int = 1) -> Operation:
    return Operation.objects.create(
        kind="t", target_kind="t", target_id=str(number), title="t", status="running", worker="w"
    )


def fetch(port: int, source: str, path: str, **headers: str) -> tuple[int, bytes]:
    """As a host with the address `source` would."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(source, 0))
    try:
        link.request("GET", path, headers=headers)
        answer = link.getresponse()
        return answer.status, answer.read()
    finally:
        link.close()


def path_of(disk: TemplateDisk, host: Host, operation: Operation) -> str:
    return "/content/" + content.grant(disk, host, operation).split("/content/")[1]


@pytest.mark.django_db(transaction=True)
def test_many_hosts_fetch_at_once_and_none_by_anothers_address(
    port: int, disk: TemplateDisk
) -> None:
    cluster = Cluster.objects.create(
        name="alpha", address="192.0.2.1", port=1, use_tls=False, transport="ntlm"
    )
    hosts = [
        Host.objects.create(cluster=cluster, name=f"alpha-{n}", address=f"127.0.0.{n}")
        for n in range(11, 19)
    ]
    paths = [path_of(disk, host, operation_of(number)) for number, host in enumerate(hosts)]
    got: dict[str, tuple[int, bytes]] = {}

    threads = [
        threading.Thread(
            target=lambda h=host, p=path: got.update({h.name: fetch(port, h.address, p)})
        )
        for host, path in zip(hosts, paths, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(got.values()) == {(200, disks.protected())} and len(got) == len(hosts)
    assert fetch(port, hosts[1].address, paths[0])[0] == 404
    assert fetch(port, "127.0.0.1", paths[0])[0] == 404


@pytest.mark.django_db(transaction=True)
def test_without_the_check_of_addresses_another_hosts_still_is_none(
    port: int, disk: TemplateDisk, settings: Any
) -> None:
    settings.FABRIC_CONTENT_CHECK_ADDRESS = False
    cluster = Cluster.objects.create(
        name="alpha", address="192.0.2.1", port=1, use_tls=False, transport="ntlm"
    )
    first, second = (
        Host.objects.create(cluster=cluster, name=f"alpha-{n}", address=f"127.0.0.{n}")
        for n in (11, 12)
    )
    path = path_of(disk, first, operation_of())

    proxy, other = fetch(port, "127.0.0.1", path), fetch(port, second.address, path)

    assert (proxy[0], other[0]) == (200, 404)


@pytest.mark.django_db(transaction=True)
def test_what_lies_on_the_volume_is_found_by_its_hash_and_not_fetched_again(
    cluster: Cluster, lab: RunningLab, port: int, folk: People, settings: Any
) -> None:
    settings.FABRIC_CONTENT_URL = f"http://127.0.0.1:{port}"
    settings.FABRIC_CONTENT_CA = "/nowhere"
    first = item(folk.contoso, "template-disk", disks.protected(), "first.vhdx")
    second = item(folk.contoso, "template-disk", disks.protected(), "second.vhdx")
    place = choose(size_bytes=first.size_bytes, sha256=first.sha256)
    assert place is not None

    paths = {
        staging.bring(Context(operation_of(number)), one.file, place)
        for number, one in enumerate((first, second))
    }

    assert len(paths) == StagedFile.objects.filter(sha256=first.sha256).count() == 1
    fetched, reused = ContentGrant.objects.order_by("created_at")
    assert fetched.used_at is not None and reused.used_at is None
    state = lab.control("GET", "/state")["clusters"][0]["volumes"]
    files = [file["path"] for volume in state for file in volume.get("files") or []]
    assert len([path for path in files if first.sha256 in path.lower()]) == 1

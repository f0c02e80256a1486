"""The limit of what hosts get holds over all of them and over all web processes."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisAway

from apps.common import heartbeats
from apps.common.redis import client
from apps.fabric.models import Cluster, Host
from apps.library import pace
from apps.library.pace import Pace
from tests.library.bringing import item
from tests.library.test_content_for_hosts import fetch, operation_of, path_of
from tests.people import People
from tests.waiting import wait_for
from tests.web import Web, several

MIB = 1 << 20


class Time:
    """A clock of the test's own: it moves as far as the one who waits longest."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def together(*paces: Pace, pieces: int = 10) -> None:
    """Each process has three hosts, each of which takes so many pieces of 1 MiB."""

    async def one(pace: Pace) -> None:
        for _ in range(pieces):
            await pace.take(MIB)

    async def everybody() -> None:
        await asyncio.gather(*(one(pace) for pace in paces for _ in range(3)))

    asyncio.run(everybody())


def test_the_hosts_of_a_process_together_take_no_more_than_the_limit() -> None:
    time = Time()
    shared = pace.Clock(lambda: 1.0, time)
    asked: list[float] = []

    def reserve(seconds: float) -> float:
        asked.append(seconds)
        return shared.reserve(seconds)  # type: ignore[arg-type]

    together(Pace(lambda: 10 * MIB, reserve, time, time.sleep))

    assert time.now == pytest.approx(sum(asked)) and 3.0 <= time.now < 3.3  # 30 MiB at 10 MiB/s
    assert len(asked) <= 13  # a slice of 2.5 MiB at a time, not each piece


def test_where_redis_is_away_a_process_keeps_to_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: float) -> float:
        raise RedisAway("connection refused")

    for heard, seconds in ((2, 6.0), (0, 3.0 * pace.ASSUMED)):
        monkeypatch.setitem(heartbeats._last, heartbeats.WEB, heard)
        time = Time()
        together(Pace(lambda: 10 * MIB, away, time, time.sleep))
        assert seconds <= time.now < seconds * 1.1


def test_redis_is_asked_again_after_a_rest_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(heartbeats._last, heartbeats.WEB, 1)
    time, asked = Time(), list[float]()

    def away_at_first(_: float) -> float:
        asked.append(time.now)
        if len(asked) < 3:
            raise RedisAway("connection refused")
        return 0.0

    together(Pace(lambda: MIB, away_at_first, time, time.sleep), pieces=5)

    assert asked[1] - asked[0] >= pace.REST_SECONDS and asked[2] - asked[1] >= pace.REST_SECONDS


def test_without_a_limit_nobody_waits_and_nobody_is_asked() -> None:
    async def never(_: float) -> None:
        raise AssertionError("it waited")

    def nobody(_: float) -> float:
        raise AssertionError("it asked")

    asyncio.run(Pace(lambda: 0, nobody, sleep=never).take(1 << 40))


@pytest.fixture
def webs(tmp_path: Path, people: People) -> Iterator[list[Web]]:
    client().delete(pace.KEY)
    with several(tmp_path, 2, FABRIC_CONTENT_MIB_PER_SECOND="4") as running:
        yield running


def redis_seconds() -> float:
    told: Any = client().time()
    return float(told[0] + told[1] / 1e6)


@pytest.mark.django_db(transaction=True)
def test_two_web_processes_together_give_no_more_than_the_limit(
    webs: list[Web], people: People
) -> None:
    """Load can make a pull slower and never faster, so that the least it takes can be said."""
    content = bytes(range(256)) * (6 * MIB // 256)
    image = item(people.contoso, "shielding-data", content, "large.pdk")
    cluster = Cluster.objects.create(
        name="alpha", address="192.0.2.1", port=1, use_tls=False, transport="ntlm"
    )
    got: list[tuple[int, bytes]] = []

    def pull(number: int, port: int) -> None:
        got.append(fetch(port, hosts[number].address, paths[number]))

    hosts = [
        Host.objects.create(cluster=cluster, name=f"alpha-{n}", address=f"127.0.0.{n}")
        for n in (21, 22)
    ]
    paths = [path_of(image, host, operation_of(n)) for n, host in enumerate(hosts)]  # type: ignore[arg-type]
    wait_for(lambda: len(heartbeats.heard(heartbeats.WEB)) >= 2, "both web processes")
    begun = redis_seconds()
    threads = [
        threading.Thread(target=pull, args=(number, web.port)) for number, web in enumerate(webs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == [(200, content)] * 2
    assert redis_seconds() - begun >= 12 / 4  # 12 MiB at 4 MiB/s; each by itself takes half of it

"""Each process but the worker alone, killed while a host is at work: the work ends once, in truth.

The host stands still in the middle of a restart, which nobody wants to see twice.
"""

import itertools
import os
import signal
from collections.abc import Callable

import pytest

from tests.redis_server import RedisServer
from tests.story.demo import Demo
from tests.story.people import Person
from tests.waiting import wait_for

WEB, WORKER, OBSERVER = "manage.py serve", "--queues operations", "--queues observations"
SCRIPT = "Set-VMPowerState"


def kill(demo: Demo, *words: str) -> None:
    """Kills these processes with -9, all before one of them is back, and waits for their
    successors."""
    before = [demo.processes(one) for one in words]
    for process in itertools.chain(*before):
        os.kill(process, signal.SIGKILL)
    for one, gone in zip(words, before, strict=True):
        wait_for(lambda one=one, gone=gone: demo.processes(one) not in ([], gone), one, 30)


def restarts(demo: Demo) -> int:
    return int(demo.lab("GET", "/state")["calls"]["cmdlets"].get("Restart-VM", 0))


def is_held(demo: Demo) -> bool:
    rows = demo.lab("GET", "/holds")["holds"]
    return bool(rows and rows[-1]["state"] == "held")


def ready(person: Person) -> bool:
    try:
        return person.client.send("GET", "/health/ready/").status == 200
    except OSError:
        return False


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("who", ["web", "observer", "redis", "worker and observer"])
def test_work_ends_once_whoever_is_killed(
    demo: Demo, admin: Person, redis: RedisServer, who: str, when: str
) -> None:
    machine, done = admin.row("virtual-machines", "app-04"), restarts(demo)
    demo.lab("POST", f"/holds/{SCRIPT}", {"when": when})
    operation = admin.asked(machine["url"] + "restart/")
    wait_for(lambda: is_held(demo), "the host in the middle", 30)

    KILLS[who](demo, redis)
    demo.lab("POST", f"/holds/{SCRIPT}", {"release": "go"})
    wait_for(lambda: ready(admin), "the portal", 60)

    ended = admin.succeeded(operation)
    assert {step["status"] for step in ended["steps"]} == {"succeeded"}
    assert restarts(demo) == done + 1
    told = admin.get("audit/entries/?limit=100")["results"]
    ends = [one["outcome"] for one in told if ended["id"] in str(one["detail"])]
    assert sorted(ends) == ["requested", "succeeded"]
    admin.succeeded(admin.asked(machine["url"] + "pause/"))
    admin.succeeded(admin.asked(machine["url"] + "resume/"))


def _lose_redis(demo: Demo, redis: RedisServer) -> None:
    redis.kill()
    redis.start()


KILLS: dict[str, Callable[[Demo, RedisServer], None]] = {
    "web": lambda demo, redis: kill(demo, WEB),
    "observer": lambda demo, redis: kill(demo, OBSERVER),
    "redis": _lose_redis,
    "worker and observer": lambda demo, redis: kill(demo, WORKER, OBSERVER),
}


def test_a_killed_observer_is_followed_by_one_that_reads_on(demo: Demo, admin: Person) -> None:
    kill(demo, OBSERVER)
    demo.lab("POST", "/vms/app-01", {"state": "Off"})

    wait_for(
        lambda: admin.row("virtual-machines", "app-01")["state"] == "off", "the next reading", 120
    )

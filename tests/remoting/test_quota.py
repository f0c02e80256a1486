"""Never more sessions on a host than are granted, over all processes; idle ones leave room."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import redis
from django.conf import settings

from apps.common.redis import client
from apps.remoting import call, errors, scripts
from apps.remoting import pool as pools
from apps.remoting.quota import SharedQuota
from tests.lab.wsman.machines import N1
from tests.waiting import wait_for

SCRIPT = scripts.from_text("Get-Answer", "'{}'\n")
LIMIT = 4


@pytest.fixture
def quota() -> Iterator[SharedQuota]:
    made = SharedQuota(client, LIMIT)
    yield made
    made.close()


@pytest.fixture
def crowd(quota):
    """Makes pools as other processes would have them, on one quota."""
    made = []

    def make() -> pools.Pool:
        made.append(pools.Pool(quota=SharedQuota(client, LIMIT)))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


@pytest.fixture
def busy(machines):
    """A script that runs until it is let go; counts how many run at once."""

    class Busy:
        go = threading.Event()
        running = most = 0
        lock = threading.Lock()

        def __call__(self, parameters, emit, cancelled):
            with self.lock:
                self.running += 1
                self.most = max(self.most, self.running)
            self.go.wait(20)
            with self.lock:
                self.running -= 1
            return "yes"

    behaviour = Busy()
    behaviour.go = threading.Event()
    machines.behaviours[SCRIPT.text] = behaviour
    yield behaviour
    behaviour.go.set()


def in_background(function, *args, **kwargs) -> threading.Thread:
    thread = threading.Thread(target=function, args=args, kwargs=kwargs)
    thread.start()
    return thread


def test_calls_beyond_the_quota_wait_for_one_to_come_free(server, endpoint, crowd, busy):
    answers = []
    threads = [
        in_background(lambda: answers.append(call(endpoint(), SCRIPT, pool=crowd())))
        for _ in range(LIMIT + 3)
    ]
    wait_for(lambda: busy.running == LIMIT, "as many scripts as are allowed")

    busy.go.set()
    for thread in threads:
        thread.join()

    assert answers == ["yes"] * (LIMIT + 3)
    assert busy.most == LIMIT


def test_a_call_that_finds_no_room_in_its_time_says_so(server, endpoint, crowd, busy):
    threads = [in_background(call, endpoint(), SCRIPT, pool=crowd()) for _ in range(LIMIT)]
    wait_for(lambda: busy.running == LIMIT, "as many scripts as are allowed")

    with pytest.raises(errors.Busy, match=f"All {LIMIT} sessions") as caught:
        call(endpoint(), SCRIPT, timeout=0.5, pool=crowd())

    assert "FABRIC_HOST_SESSIONS" in caught.value.hint
    busy.go.set()
    for thread in threads:
        thread.join()


def test_a_waiting_call_can_be_stopped(server, endpoint, crowd, busy):
    threads = [in_background(call, endpoint(), SCRIPT, pool=crowd()) for _ in range(LIMIT)]
    wait_for(lambda: busy.running == LIMIT, "as many scripts as are allowed")

    with pytest.raises(errors.Stopped):
        call(endpoint(), SCRIPT, should_stop=lambda: True, pool=crowd())
    busy.go.set()
    for thread in threads:
        thread.join()


def test_idle_sessions_never_take_more_than_half(server, endpoint, crowd, busy):
    busy.go.set()
    for _ in range(LIMIT):
        call(endpoint(), SCRIPT, pool=crowd())

    assert len(server._services["N1"].shells) == LIMIT // 2


def test_hosts_and_users_are_counted_apart(quota, endpoint):
    for number in range(LIMIT):
        assert quota.take(endpoint(), f"s{number}") == number + 1
    assert quota.take(endpoint(), "more") == 0

    assert quota.take(endpoint(address="127.0.0.9"), "other host") == 1
    assert quota.take(endpoint(username="FABRIC\\other"), "other user") == 1
    quota.release(endpoint(), "s0")
    assert quota.take(endpoint(), "more") == LIMIT


def test_what_a_dead_process_held_comes_free(quota, endpoint):
    program = (
        "import os, redis\n"
        "from apps.remoting import Endpoint, quota\n"
        "quota.LEASE_SECONDS = 2\n"
        f"client = redis.Redis(unix_socket_path={str(settings.FABRIC_REDIS_SOCKET)!r})\n"
        f"shared = quota.SharedQuota(lambda: client, {LIMIT})\n"
        f"host = Endpoint({N1!r}, {endpoint().port}, False, 'ntlm', 'FABRIC\\\\portal', 'x')\n"
        f"print([shared.take(host, str(n)) for n in range({LIMIT})], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == f"{list(range(1, LIMIT + 1))}\n"

    wait_for(lambda: quota.take(endpoint(), "mine"), "a lease to run out")


def test_leases_are_renewed_as_long_as_their_process_lives(quota, endpoint, monkeypatch):
    monkeypatch.setattr("apps.remoting.quota.LEASE_SECONDS", 0.6)
    monkeypatch.setattr("apps.remoting.quota._RENEW_EVERY", 0.1)
    assert quota.take(endpoint(), "kept") == 1

    until = time.monotonic() + 1.5
    other = SharedQuota(client, 1)
    while time.monotonic() < until:
        assert other.take(endpoint(), "second") == 0
        time.sleep(0.1)


def test_without_redis_a_process_counts_for_itself(endpoint):
    nowhere = redis.Redis(unix_socket_path="/nonexistent/redis.sock", retry=None)
    alone = SharedQuota(lambda: nowhere, 2)

    assert [alone.take(endpoint(), name) for name in "abc"] == [1, 2, 0]
    alone.release(endpoint(), "a")
    assert alone.take(endpoint(), "c") == 2
    alone.close()

import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import User
from apps.common.redis import client
from apps.operations import nudges
from tests.operations.streams import Stream
from tests.people import PASSWORD
from tests.serving import served
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def token_of(user: User) -> str:
    return accounts.issue_token(actor=None, user=user, name="stream")[1]


@pytest.fixture
def port():
    with served(cut=True) as number:
        yield number


@pytest.fixture
def listen(port, people):
    """Opens streams as people; all are closed at the end."""
    opened = []

    def open_as(name: str) -> Stream:
        token = token_of(getattr(people, name))
        opened.append(Stream(port, token))
        return opened[-1]

    yield open_as
    for stream in opened:
        stream.close()


def test_a_nudge_names_the_row_and_nothing_of_what_it_holds(listen):
    stream = listen("admin")
    row = uuid.uuid4()

    nudges.publish("vm", row)

    wait_for(lambda: stream.tells_of(row), "the nudge")
    assert "event: vm" in stream.lines
    data = next(line for line in stream.lines if line.startswith("data:"))
    assert json.loads(data[5:]) == {"kind": "vm", "id": str(row)}


def test_people_hear_only_of_rows_that_they_may_see(listen, people):
    admin, guardian, contoso, fabrikam = map(listen, ("admin", "guardian", "contoso", "fabrikam"))
    fabric, own, host, mine, last = (uuid.uuid4() for _ in range(5))

    nudges.publish("operation", fabric, None, actor_id=people.admin.pk)
    nudges.publish("operation", own, people.contoso_tenant.pk, actor_id=people.contoso.pk)
    nudges.publish("host", host)
    nudges.publish("operation", mine, None, actor_id=people.guardian.pk)
    nudges.publish("vm", last, people.fabrikam_tenant.pk)

    wait_for(lambda: admin.tells_of(last) and fabrikam.tells_of(last), "the last nudge")
    wait_for(lambda: guardian.tells_of(mine) and contoso.tells_of(own), "their nudges")
    assert all(admin.tells_of(row) for row in (fabric, own, host, mine, last))
    assert not any(contoso.tells_of(row) for row in (fabric, host, mine, last))
    assert not any(fabrikam.tells_of(row) for row in (fabric, own, host, mine))
    assert guardian.tells_of(host)
    assert not any(guardian.tells_of(row) for row in (fabric, own, last))


def test_nobody_and_a_made_up_token_are_refused_with_a_problem_document(port):
    for token in ("", "fp_" + "x" * 40):
        stream = Stream(port, token)

        assert stream.status == 401
        assert stream.answer.headers["Content-Type"] == "application/problem+json"
        assert json.loads(stream.answer.read())["type"] == "/problems/unauthenticated/"
        stream.close()


def test_a_browser_listens_with_its_session(port, people):
    browser = Client()
    browser.login(username="contoso", password=PASSWORD)
    cookie = f"fabric_session={browser.cookies['fabric_session'].value}"
    stream, row = Stream(port, cookie=cookie), uuid.uuid4()

    nudges.publish("vm", row, people.contoso_tenant.pk)

    wait_for(lambda: stream.tells_of(row), "the nudge")
    stream.close()


def test_fifty_streams_are_nudged_the_next_is_refused_and_a_closed_one_makes_room(port, people):
    token = token_of(people.admin)
    streams, row = [Stream(port, token) for _ in range(50)], uuid.uuid4()

    nudges.publish("vm", row)
    wait_for(lambda: all(stream.tells_of(row) for stream in streams), "all fifty")
    assert client().pubsub_numsub(nudges.CHANNEL)[0][1] == 1
    one_more = Stream(port, token)
    assert one_more.status == 429
    one_more.close()
    streams[0].close()
    key = f"fabric:streams:{people.admin.pk}"
    wait_for(lambda: client().zcard(key) == 49, "the seat's release")
    streams.append(Stream(port, token))

    assert streams[-1].status == 200
    for stream in streams:
        stream.close()
    wait_for(lambda: client().zcard(key) == 0, "the release of every seat")


def test_a_broken_subscription_is_made_again_and_streams_are_told(listen):
    stream, row = listen("admin"), uuid.uuid4()

    for connection in client().client_list(_type="pubsub"):
        client().client_kill_filter(_id=connection["id"])

    wait_for(lambda: "event: resync" in stream.lines, "the resync")
    nudges.publish("vm", row)
    wait_for(lambda: stream.tells_of(row), "the nudge after it")


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_server_that_is_told_to_stop_ends_its_streams_cleanly(people, free_port, settings):
    token = token_of(people.admin)
    command = [sys.executable, "-m", "uvicorn", "fabric_portal.asgi:application"]
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.operations.worker_settings",
        "TEST_RUN_DATABASE": str(settings.DATABASES["default"]["NAME"]),
    }
    server = subprocess.Popen(
        [*command, "--port", str(free_port), "--log-level", "error"],
        env=environment,
        cwd=Path(settings.BASE_DIR),
    )
    try:
        wait_for(lambda: _answers(free_port), "the server", 30)
        stream = Stream(free_port, token)
        server.send_signal(signal.SIGTERM)

        assert stream.over.wait(10)
        assert server.wait(10) is not None
        stream.close()
    finally:
        server.kill()
        server.wait()


def _answers(port: int) -> bool:
    try:
        Stream(port).close()
    except OSError:
        return False
    return True


def test_a_stream_ends_with_what_opened_it_and_others_go_on(listen, port, people):
    browser = Client()
    browser.login(username="contoso", password=PASSWORD)
    session = Stream(port, cookie=f"fabric_session={browser.cookies['fabric_session'].value}")
    tokens, other, row = listen("contoso"), listen("fabrikam"), uuid.uuid4()

    accounts.deactivate_user(actor=people.admin, user=people.contoso)

    assert session.over.wait(10) and tokens.over.wait(10)
    nudges.publish("vm", row, people.fabrikam_tenant.pk)
    wait_for(lambda: other.tells_of(row), "the other's nudge")
    assert not any("account" in line for line in other.lines)
    session.close()

"""Pages that missed a nudge heal by themselves, in a real browser: nobody tells them of it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from redis import Redis as Connection

from apps.operations import nudges
from apps.operations.models import Operation
from tests.operations.conftest import request as ask_for
from tests.people import People
from tests.redis_server import RedisServer
from tests.ui.screenshots import FLAGS
from tests.web import Web

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no browser on this machine"),
    pytest.mark.django_db(transaction=True),
]
#: Well below the minute after which a page reads what is under way in any case.
SOON = 25_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright runs a loop in this thread, beside which Django would refuse its database.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    running = RedisServer(tmp_path / "redis.sock")
    yield running
    running.kill()


@pytest.fixture
def web(tmp_path: Path, redis: RedisServer) -> Iterator[Web]:
    with Web(tmp_path, FABRIC_DEBUG="1", FABRIC_REDIS_URL=redis.url) as running:
        yield running


@pytest.fixture
def operation(people: People) -> Operation:
    """One that is under way; who does it is gone."""
    made = ask_for(actor=people.admin, steps=("Work",))
    Operation.objects.filter(pk=made.pk).update(status="running")
    made.refresh_from_db()
    return made


@pytest.fixture
def page(browser: Browser, web: Web, people: People, operation: Operation) -> Iterator[Page]:
    """The operation's page, whose stream is open."""
    client = Client()
    client.force_login(people.admin)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    key = client.session.session_key or ""
    context.add_cookies([{"name": "fabric_session", "value": key, "url": web.url}])
    opened, errors = context.new_page(), list[str]()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.clock.install()
    with opened.expect_response(lambda answer: answer.url.endswith("/api/v1/events/")):
        opened.goto(web.url + reverse("operations:operation_detail", args=[operation.pk]))
    expect(opened.locator("#operation")).to_have_attribute("aria-busy", "true")
    yield opened
    context.close()
    assert errors == []


def end(operation: Operation) -> None:
    """It ends, and no nudge says so."""
    Operation.objects.filter(pk=operation.pk).update(status="succeeded", progress=100)


def is_healed(page: Page) -> None:
    expect(page.locator("#operation")).not_to_have_attribute("aria-busy", "true", timeout=SOON)
    expect(page.locator("#operation")).to_contain_text("Succeeded")


def test_redis_was_killed_and_is_back(page: Page, operation: Operation, redis: RedisServer) -> None:
    redis.kill()
    end(operation)
    redis.start()

    is_healed(page)


def test_the_web_process_was_killed_and_is_back(page: Page, operation: Operation, web: Web) -> None:
    web.kill()
    end(operation)
    web.start()

    is_healed(page)


def test_the_machine_was_asleep_and_its_stream_is_dead(page: Page, operation: Operation) -> None:
    end(operation)

    page.clock.fast_forward("10:00")

    is_healed(page)


def test_somebody_comes_back_to_the_tab(page: Page, operation: Operation) -> None:
    _show(page, hidden=True)
    end(operation)
    _show(page, hidden=False)

    is_healed(page)


def _show(page: Page, *, hidden: bool) -> None:
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_the_reading_after_a_nudge_failed(
    page: Page, operation: Operation, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The portal is busy for a moment just when the page asks."""
    connection = Connection(unix_socket_path=str(redis.socket))
    monkeypatch.setattr(nudges, "client", lambda: connection)
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        refused.append(route.request.url)
        if len(refused) == 1:
            route.fulfill(status=503, body="Busy.")
        else:
            route.continue_()

    page.route("**" + reverse("operations:operation_detail", args=[operation.pk]), refuse_once)
    end(operation)
    nudges.about(operation)

    is_healed(page)
    assert len(refused) > 1
    connection.close()

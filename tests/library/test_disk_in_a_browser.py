"""The page of a template disk in a real browser: drawn, read aloud, narrow and dark."""

import os
import shutil
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect, sync_playwright

from apps.operations.models import Operation
from tests.library.makers import data, disk, pair
from tests.people import People
from tests.ui.screenshots import FLAGS, axe

__all__ = ["data", "disk"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no browser on this machine"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def page(
    live_server: object, people: People, disk, data, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Page]:
    """The disk's page, with its owner signed in."""
    pair(disk, data)
    Operation.objects.create(
        kind="library.inspect", target_kind=disk.noun, target_id=str(disk.pk), exclusive=False,
        target_name=disk.filename, title=f"Inspect {disk.filename}", tenant=disk.tenant,
        actor_name="contoso", status="succeeded",
    )  # fmt: skip
    client = Client()
    client.force_login(people.contoso)
    key = client.session.session_key or ""
    url = live_server.url  # type: ignore[attr-defined]
    # Playwright runs a loop in this thread, beside which Django would refuse its database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context()
        context.add_cookies([{"name": "fabric_session", "value": key, "url": url}])
        opened = context.new_page()
        opened.goto(url + reverse("library:disk", args=[disk.pk]))
        yield opened
        browser.close()


def test_it_is_readable_in_both_themes_wide_and_narrow(page: Page) -> None:
    bar = page.get_by_role("img", name="1: EFI system, 300 MiB")
    for theme in ("light", "dark"):
        for width in (1440, 400):
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.set_viewport_size({"width": width, "height": 900})
            expect(bar).to_be_visible()
            assert axe(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if folder := os.environ.get("SHOTS"):
                page.screenshot(path=f"{folder}/disk-{theme}-{width}.png", full_page=True)

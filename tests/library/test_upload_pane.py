"""Somebody at a browser sees an upload through: over a portal that is killed, a pause, a refusal.

FABRIC_TEST_UPLOAD_MIB says how large the file is: 64 unless told.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from apps.accounts.models import Tenant
from apps.library import arrival
from apps.library.models import Upload
from tests.people import People
from tests.ui.screenshots import FLAGS
from tests.waiting import wait_for
from tests.web import Web

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no browser on this machine"),
    pytest.mark.django_db(transaction=True),
]
MIB = 1 << 20
SIZE = int(os.environ.get("FABRIC_TEST_UPLOAD_MIB", "64")) * MIB
#: So that a small file is on its way for a while, too.
BYTES_A_SECOND = 12 * MIB
PATIENCE = 1000 * (60 + SIZE // (2 * MIB))


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
def web(tmp_path: Path) -> Iterator[Web]:
    with Web(tmp_path, FABRIC_DEBUG="1") as running:
        yield running


@pytest.fixture
def page(browser: Browser, web: Web, people: People) -> Iterator[Page]:
    """The library, with its tenant signed in, on a line of some megabytes a second."""
    client = Client()
    client.force_login(people.contoso)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    key = client.session.session_key or ""
    context.add_cookies([{"name": "fabric_session", "value": key, "url": web.url}])
    opened, errors = context.new_page(), list[str]()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    line = {"offline": False, "latency": 0, "downloadThroughput": -1}
    link = context.new_cdp_session(opened)
    link.send("Network.enable")
    limit = BYTES_A_SECOND if SIZE < 512 * MIB else -1
    link.send("Network.emulateNetworkConditions", line | {"uploadThroughput": limit})
    opened.goto(f"{web.url}/library/")
    yield opened
    context.close()
    assert errors == []


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file of random bytes at both ends and every 8 MiB, and of holes between them."""
    path = tmp_path / "install.iso"
    with path.open("wb") as file:
        file.truncate(SIZE)
        for at in (*range(0, SIZE, 8 * MIB), SIZE - MIB):
            file.seek(at)
            file.write(os.urandom(MIB))
    return path


def row_of(page: Page, name: str) -> Locator:
    return page.locator("#uploads .upload").filter(has_text=name)


def upload() -> Upload:
    return Upload.objects.get()


def at_least(offset: int) -> None:
    wait_for(lambda: Upload.objects.filter(offset__gte=offset).exists(), "bytes", PATIENCE / 1000)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_an_upload_survives_a_portal_that_is_killed_while_somebody_watches(
    page: Page, web: Web, image: Path
) -> None:
    page.locator("input[type=file]").set_input_files(image)
    row = row_of(page, "install.iso")
    expect(row).to_contain_text(re.compile(r"MiB/s, about .* left"), timeout=30_000)
    at_least(SIZE // 4)

    web.kill()
    expect(row).to_contain_text("Trying again by itself", timeout=30_000)
    stood = upload().offset
    web.start()
    at_least(stood + 8 * MIB)
    expect(row).to_contain_text(re.compile(r"MiB/s, about .* left"), timeout=60_000)

    expect(row).to_contain_text("Looking at what is inside", timeout=PATIENCE)
    arrival.receive(upload().pk)
    expect(row).to_contain_text("In the library.", timeout=30_000)
    assert 0 < stood < SIZE
    assert (upload().status, upload().sha256) == ("complete", sha256_of(image))


def test_a_paused_upload_stands_still_survives_a_reload_and_goes_on(
    page: Page, image: Path
) -> None:
    page.locator("input[type=file]").set_input_files(image)
    row = row_of(page, "install.iso")
    at_least(8 * MIB)

    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused.")
    page.reload()
    expect(row).to_contain_text("Paused when the page was closed.")
    expect(row).to_contain_text("are here")
    stood = upload().offset
    with page.expect_file_chooser() as chooser:
        row.get_by_role("button", name="Go on").click()
    chooser.value.set_files(image)
    at_least(stood + 8 * MIB)
    row.get_by_role("button", name="Stop").click()

    expect(row).to_have_count(0)
    wait_for(lambda: not Upload.objects.exists(), "the end of the upload")


def test_a_refusal_is_told_in_words_with_what_to_do(
    page: Page, image: Path, people: People
) -> None:
    Tenant.objects.update(quota_bytes=1000)

    page.locator("input[type=file]").set_input_files(image)

    row = row_of(page, "install.iso")
    expect(row).to_contain_text("Refused: The file has")
    expect(row).to_contain_text("ask an HCI admin for a larger quota")
    expect(row).to_contain_text("quota-exceeded")

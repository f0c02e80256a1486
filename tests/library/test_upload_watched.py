"""Somebody watches an upload into a whole demo: the portal is killed, the tab is closed and opened
again, and the file is there as it was.

FABRIC_TEST_UPLOAD_MIB says how large it is: 64 unless told.
"""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.library import test_upload_pane as pane
from tests.library.test_upload_pane import CHROMIUM, MIB, PATIENCE, SIZE, image, row_of, sha256_of
from tests.story import demo as demos
from tests.story.people import Person
from tests.ui.screenshots import FLAGS
from tests.waiting import wait_for

__all__ = ["image"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser on this machine")
WEB = "manage.py serve"
MOVES = re.compile(r"MiB/s, about .* left")


@pytest.fixture
def demo() -> Iterator[demos.Demo]:
    running = demos.start()
    yield running
    running.stop()
    shutil.rmtree(running.folder.parent, ignore_errors=True)


@pytest.fixture
def browser() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made.new_context(viewport={"width": 1440, "height": 900})
        made.close()


def sign_in(browser: BrowserContext, demo: demos.Demo) -> None:
    page, user = browser.new_page(), demo.user("contoso")
    page.goto(demo.url)
    page.get_by_label("User", exact=True).fill(user["username"])
    page.get_by_label("Password", exact=True).fill(user["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_be_visible()
    page.close()


def library(browser: BrowserContext, demo: demos.Demo) -> Page:
    """The library in a new tab, where a small file is on its way for a while, too."""
    page = browser.new_page()
    link = browser.new_cdp_session(page)
    link.send("Network.enable")
    line = {"offline": False, "latency": 0, "downloadThroughput": -1}
    limit = pane.BYTES_A_SECOND if SIZE < 512 * MIB else -1
    link.send("Network.emulateNetworkConditions", line | {"uploadThroughput": limit})
    page.goto(f"{demo.url}/library/")
    return page


def arriving(contoso: Person) -> dict[str, Any]:
    """The upload as the API tells it."""
    found: dict[str, Any] = contoso.row("uploads", "install.iso")
    return found


def at_least(contoso: Person, offset: int) -> int:
    def there() -> int:
        try:
            rows = contoso.get("uploads/?limit=1000")["results"]
        except OSError:
            return 0  # the portal is down just now
        found = max((one["offset"] for one in rows if one["filename"] == "install.iso"), default=0)
        return found if found >= offset else 0

    return int(wait_for(there, f"{offset} bytes of the upload", PATIENCE / 1000))


def kill(demo: demos.Demo, words: str) -> None:
    """One process, without a word; whoever keeps it starts another."""
    [before] = demo.processes(words)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: demo.processes(words) not in ([], [before]), f"another {words}", 60)


def test_an_upload_outlives_the_portal_and_the_tab_that_it_was_begun_in(
    browser: BrowserContext, demo: demos.Demo, image: Path, tmp_path: Path
) -> None:
    contoso = Person(demo, "contoso")
    sign_in(browser, demo)
    page = library(browser, demo)
    page.locator("input[type=file]").set_input_files(image)
    row = row_of(page, "install.iso")
    expect(row).to_contain_text(MOVES, timeout=30_000)

    stood = at_least(contoso, SIZE // 4)
    kill(demo, WEB)
    expect(row).to_contain_text("Trying again by itself", timeout=30_000)
    assert at_least(contoso, stood + 8 * MIB) < SIZE
    expect(row).to_contain_text(MOVES, timeout=60_000)

    at_least(contoso, SIZE // 2)
    page.close()
    page = library(browser, demo)
    row = row_of(page, "install.iso")
    expect(row).to_contain_text("Paused when the page was closed.", timeout=30_000)
    stood = int(arriving(contoso)["offset"])
    assert SIZE // 2 <= stood < SIZE
    other = tmp_path / "other.iso"
    other.write_bytes(b"another")
    _go_on(page, other)
    expect(row).to_contain_text("other.iso is another file.")
    _go_on(page, image)
    row = row_of(page, "install.iso")
    expect(row).to_contain_text(re.compile(r"\d %"), timeout=30_000)

    expect(row).to_contain_text("In the library.", timeout=PATIENCE)
    told = arriving(contoso)
    assert (told["status"], told["sha256"]) == ("complete", sha256_of(image))
    expect(page.locator("#under-way").get_by_text("install.iso").first).to_be_visible()
    expect(page.locator(f"#upload-{told['id']}")).to_contain_text("Here")


def _go_on(page: Page, file: Path) -> None:
    with page.expect_file_chooser() as chooser:
        row_of(page, "install.iso").get_by_role("button", name="Go on").click()
    chooser.value.set_files(file)

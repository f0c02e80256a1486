"""The pieces in a real browser: keys, panes, confirmations, live rows; axe-core in both themes."""

import os
import shutil
from collections.abc import Iterator

import pytest
from django.test import Client, override_settings
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.people import People
from tests.ui.screenshots import FLAGS, axe
from tests.ui.test_components import TEMPLATES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no browser on this machine"),
    pytest.mark.django_db(transaction=True),
]


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
def page(browser: Browser, live_server: object, people: People) -> Iterator[Page]:
    """The page of pieces, with the admin signed in."""
    client = Client()
    client.force_login(people.admin)
    key = client.session.session_key or ""
    url = live_server.url  # type: ignore[attr-defined]
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.add_cookies([{"name": "fabric_session", "value": key, "url": url}])
    with override_settings(ROOT_URLCONF="tests.ui.urls", TEMPLATES=[TEMPLATES]):
        opened = context.new_page()
        errors: list[str] = []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.goto(f"{url}/pieces/")
        yield opened
        context.close()
    assert errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(page: Page, theme: str, width: int) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_arrow_keys_move_between_rows_and_tab_comes_in_once(page: Page) -> None:
    page.locator("#row-vm-00 .grid__name").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#row-vm-01 .grid__name")).to_be_focused()
    page.keyboard.press("End")
    expect(page.locator("#row-vm-11 .grid__name")).to_be_focused()
    stops = page.locator('#piece-grid tbody [tabindex="0"]')
    expect(stops).to_have_count(2)  # the box and the name of one row


def test_a_range_is_chosen_with_shift_and_survives_a_row_that_is_read_again(page: Page) -> None:
    chosen = page.locator('#piece-grid tr[aria-selected="true"]')
    page.locator("#row-vm-02 input").click()
    page.locator("#row-vm-05 input").click(modifiers=["Shift"])
    expect(chosen).to_have_count(4)
    page.evaluate("document.querySelector('#row-vm-03').dispatchEvent(new CustomEvent('nudge'))")
    expect(page.locator("#row-vm-03")).to_contain_text("Paused")
    expect(chosen).to_have_count(4)
    expect(page.locator("#row-vm-03 input")).to_be_checked()


def test_the_head_chooses_all_and_tells_whoever_listens(page: Page) -> None:
    page.evaluate(
        "document.body.addEventListener('fabric:selection', e => {"
        "document.getElementById('told').textContent = e.detail.values.length})"
    )
    page.locator("#piece-grid thead input").click()
    expect(page.locator("#told")).to_have_text("12")
    page.locator("#row-vm-02 .grid__name").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#told")).to_have_text("0")


def test_a_pane_opens_closes_with_escape_and_gives_the_focus_back(page: Page) -> None:
    page.locator("#cmd-settings").click()
    expect(page.locator("#pane[open] h2")).to_have_text("Settings of vm-01")
    page.keyboard.press("Escape")
    expect(page.locator("#pane")).not_to_be_visible()
    expect(page.locator("#cmd-settings")).to_be_focused()


def test_a_form_in_a_pane_ends_it_and_says_so(page: Page) -> None:
    page.locator("#cmd-settings").click()
    page.locator("#pane-form button").click()
    expect(page.locator("#toasts")).to_contain_text("Saved")
    expect(page.locator("#pane")).not_to_be_visible()


def test_a_consequence_is_asked_about_with_its_verb(page: Page) -> None:
    page.locator("#cmd-off").click()
    expect(page.locator("#confirm h2")).to_have_text("Turn off vm-01?")
    page.keyboard.press("Escape")
    expect(page.locator("#confirm")).not_to_be_visible()
    assert page.url.endswith("/pieces/")
    page.locator("#cmd-off").click()
    page.get_by_role("button", name="Turn off").last.click()
    expect(page.locator("#outcome")).to_have_text("Turned off")


def test_destroying_data_needs_the_name_typed(page: Page) -> None:
    page.locator("#cmd-delete").click()
    expect(page.locator("#confirm li")).to_have_count(2)
    page.locator("#confirm-name").fill("vm-02")
    page.keyboard.press("Enter")
    expect(page.locator("#confirm")).to_be_visible()
    page.locator("#confirm-name").fill("vm-01")
    page.locator("#confirm-yes").click()
    expect(page.locator("#outcome-place")).to_have_text("Turned off")


def test_a_refusal_is_told_in_words_and_replaces_nothing(page: Page) -> None:
    page.locator("#cmd-refuse").click()
    expect(page.locator("#toasts")).to_contain_text("It is being moved.")
    expect(page.locator("#toasts")).to_contain_text("Wait until it has arrived.")
    expect(page.locator("#outcome-place")).to_be_empty()


def test_a_command_that_cannot_be_used_says_why_when_it_has_the_focus(page: Page) -> None:
    command = page.locator('.cmd[aria-disabled="true"]')
    command.focus()
    expect(page.locator("#why-console")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#why-console")).not_to_be_visible()


def test_theme_and_folded_tools_are_there_after_a_reload(page: Page) -> None:
    page.locator("button[data-theme]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator("[data-toggle-tools]").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).to_have_attribute("data-tools", "closed")


def test_tools_are_found_by_typing(page: Page) -> None:
    page.locator("[data-search-tools]").fill("shield")
    expect(page.locator("#tools .tools__link:visible")).to_have_count(1)


def test_help_opens_by_its_key(page: Page) -> None:
    page.locator("#content").focus()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()


def test_a_filter_keeps_what_narrows_nothing_out_of_the_address(page: Page) -> None:
    page.locator(".filters input[type=search]").fill("app")
    page.locator(".filters input[type=search]").press("Enter")
    page.wait_for_url("**/pieces/?q=app")


def test_what_shows_a_thing_reads_it_again_when_it_is_nudged(page: Page) -> None:
    """Without a stream, as behind this server, what is under way is polled."""
    row = page.locator("#row-vm-07")
    row.evaluate("row => row.setAttribute('aria-busy', 'true')")
    expect(row).to_contain_text("Paused", timeout=15_000)

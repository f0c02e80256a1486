"""Settings in a real browser: somebody is invited, chooses a password, is switched off."""

import os
import shutil
from collections.abc import Iterator

import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright

from apps.accounts import services
from apps.accounts.models import User
from tests.people import People
from tests.ui.screenshots import FLAGS, axe

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no browser on this machine"),
    pytest.mark.django_db(transaction=True),
]
CHOSEN = "a pass phrase that I chose"


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    # Playwright runs a loop in this thread, beside which Django would refuse its database.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        connections.close_all()  # those of that loop, which nobody else ever sees
        made.close()


@pytest.fixture
def url(live_server: object, settings: object) -> str:
    found = str(live_server.url)  # type: ignore[attr-defined]
    settings.FABRIC_PUBLIC_URL = found  # type: ignore[attr-defined]
    return found


@pytest.fixture
def page(browser: Browser, url: str, people: People) -> Iterator[Page]:
    """Of the admin; whatever a script or the policy complains of fails the test."""
    client = Client()
    client.force_login(people.admin)
    key = client.session.session_key or ""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "fabric_session", "value": key, "url": url}])
    errors: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def test_somebody_is_invited_chooses_a_password_and_is_switched_off(
    page: Page, browser: Browser, url: str
) -> None:
    page.goto(f"{url}/account/")
    page.get_by_role("button", name="admin").click()
    page.get_by_role("link", name="Settings", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Users")).to_be_visible()

    # by keys alone: the command opens the pane, Enter sends it
    page.get_by_role("link", name="Add user").focus()
    page.keyboard.press("Enter")
    pane = page.get_by_role("dialog", name="Add a user")
    pane.get_by_label("User name").fill("ada")
    pane.get_by_label("Role").select_option("auditor")
    pane.get_by_label("User name").press("Enter")
    shown = page.get_by_role("dialog", name="Password link")
    expect(shown).to_contain_text("shown this once")
    link = shown.get_by_role("group", name="Link").inner_text().strip()

    own = browser.new_context()
    theirs = own.new_page()
    theirs.goto(link)
    expect(theirs.get_by_label("Code")).to_have_value(link.partition("#")[2])
    expect(theirs.get_by_label("New password")).to_be_focused()
    assert "#" not in theirs.url, "the key isn't kept in the history"
    assert axe(theirs) == []
    theirs.get_by_label("New password").fill(CHOSEN)
    theirs.get_by_label("The same again").fill(CHOSEN)
    theirs.get_by_role("button", name="Set password").click()
    expect(theirs.get_by_role("status")).to_contain_text("The password of ada is set")
    theirs.get_by_label("User").fill("ada")
    theirs.get_by_label("Password").fill(CHOSEN)
    theirs.get_by_role("button", name="Sign in").click()
    theirs.wait_for_url(lambda address: "/sign-in/" not in address)

    shown.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", level=1, name="ada")).to_be_visible()
    page.get_by_role("button", name="Deactivate").click()
    asked = page.get_by_role("dialog", name="Deactivate ada?")
    expect(asked).to_contain_text("Every session and API token")
    asked.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_role("status").first).to_contain_text("ada can’t sign in any more")
    theirs.reload()
    theirs.wait_for_url("**/sign-in/**")
    own.close()


def test_its_pages_are_readable_in_both_themes_wide_and_narrow(
    page: Page, url: str, people: People
) -> None:
    services.issue_token(actor=None, user=people.contoso, name="pipeline")
    contoso, tenant = people.contoso.pk, people.contoso_tenant.pk
    addresses = [
        "users/", "users/new/", f"users/{contoso}/", f"users/{people.admin.pk}/",
        f"users/{contoso}/role/", f"users/{contoso}/password/", "tenants/", "tenants/new/",
        f"tenants/{tenant}/", f"tenants/{tenant}/edit/", "tokens/", "../account/",
    ]  # fmt: skip
    for address in addresses:
        page.goto(f"{url}/settings/{address}")
        for theme in ("light", "dark"):
            for width in (1440, 360):
                page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                page.set_viewport_size({"width": width, "height": 900})
                assert axe(page) == [], (address, theme, width)
                over = page.evaluate("document.documentElement.scrollWidth")
                assert over <= width, (address, width, over)
                if folder := os.environ.get("SHOTS"):
                    name = address.strip("./").replace("/", "-").replace(str(contoso), "one")
                    page.screenshot(path=f"{folder}/{name}-{theme}-{width}.png")


def test_without_scripts_the_code_is_typed_and_panes_are_pages(
    browser: Browser, url: str, people: People
) -> None:
    _, key = services.issue_password_link(actor=people.admin, user=people.contoso)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{url}/choose-password/")
    page.get_by_label("Code").fill(key)
    page.get_by_label("New password").fill(CHOSEN)
    page.get_by_label("The same again").fill(CHOSEN)
    page.get_by_role("button", name="Set password").click()

    expect(page.get_by_role("status")).to_contain_text("The password of contoso is set")
    assert User.objects.get(username="contoso").check_password(CHOSEN)
    context.close()

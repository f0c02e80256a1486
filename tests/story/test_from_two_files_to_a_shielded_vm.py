"""The whole story in a browser: two files go in, a shielded VM comes up, everybody sees why."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.library.disks import protected
from tests.story import demo as demos
from tests.ui.screenshots import FLAGS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no browser on this machine")
SLOW = 60_000  # ms: the most that anything here may take
NAME = "story-01"


@pytest.fixture(scope="module")
def demo() -> Iterator[demos.Demo]:
    running = demos.start()
    yield running
    running.stop()
    shutil.rmtree(running.folder.parent, ignore_errors=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


@contextmanager
def signed_in(browser: Browser, demo: demos.Demo, name: str) -> Iterator[Page]:
    """A page of somebody who signed in by the form; nothing may go wrong in its scripts."""
    context = browser.new_context(base_url=demo.url, viewport={"width": 1440, "height": 900})
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/")
    page.get_by_label("User").fill(name)
    page.get_by_label("Password").fill(demo.user(name)["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Fabric Portal, overview")).to_be_visible()
    yield page
    context.close()
    assert errors == []


def two_files(demo: demos.Demo) -> tuple[Path, Path]:
    """A template disk made by other people's tools, and lab shielding data for it."""
    folder = demo.folder / "story"
    folder.mkdir()
    disk = folder / "protected-dynamic.vhdx"
    disk.write_bytes(protected())
    demo.manage("lab_files", "--out", str(folder), "--template", str(disk))
    return disk, next(folder.glob("*.pdk"))


def upload_once_interrupted(page: Page, disk: Path, shielding_data: Path) -> None:
    """The disk's second piece never arrives and the tab is closed; the next one goes on there."""
    context, held = page.context, list[Route]()

    def hold_the_second_piece(route: Route) -> None:
        if route.request.method == "PATCH" and route.request.headers["upload-offset"] != "0":
            held.append(route)
            return  # neither answered nor sent
        route.continue_()

    page.route("**/api/v1/uploads/*/", hold_the_second_piece)
    page.goto("/library/")
    page.locator("input[type=file]").set_input_files(disk)
    expect(page.locator("#uploads progress")).to_be_visible()
    while not held:
        page.wait_for_timeout(50)
    went_on_at = held[0].request.headers["upload-offset"]
    for route in held:
        route.abort()
    page.close(run_before_unload=False)

    again = context.new_page()
    sent: list[str] = []
    again.on(
        "request",
        lambda r: sent.append(r.headers["upload-offset"]) if r.method == "PATCH" else None,
    )
    again.goto("/library/")
    expect(again.locator("#uploads")).to_contain_text(disk.name)
    again.locator("input[type=file]").set_input_files([disk, shielding_data])
    expect(again.get_by_role("region", name="Template disks").first).to_contain_text(
        disk.name, timeout=SLOW
    )
    assert (
        went_on_at in sent and sent.count("0") == 1
    )  # the disk went on; only the small file began
    again.close()


def test_from_two_files_to_a_running_shielded_vm(demo: demos.Demo, browser: Browser) -> None:
    disk, shielding_data = two_files(demo)

    with signed_in(browser, demo, "contoso") as page:
        upload_once_interrupted(page, disk, shielding_data)
        page = page.context.new_page()
        page.goto("/library/")
        expect(page.locator("#pairs")).to_contain_text("Fits", timeout=SLOW)
        expect(page.locator("#pairs")).to_contain_text(shielding_data.name)
        page.locator("#pairs .grid__name").first.click()
        expect(page.locator("main")).to_contain_text("EFI system partition")

    with signed_in(browser, demo, "admin") as page:
        deploy(page)
        expect(page.locator("#deployment")).to_contain_text(f"{NAME} was made", timeout=SLOW)
        page.get_by_role("link", name=f"Open {NAME}").click()
        expect(page.locator("#vm-machine")).to_contain_text("Running", timeout=SLOW)
        expect(page.locator("#vm-machine")).to_contain_text("Shielded")
        where = refused_its_console_and_moved(page)
        expect(page.locator("#vm-properties")).not_to_contain_text(where, timeout=SLOW)
        expect(page.locator("#vm-machine")).to_contain_text("Running")

    with signed_in(browser, demo, "auditor") as page:
        page.goto("/attestation/")
        expect(page.locator("main")).to_contain_text("Insecure host configuration")
        page.goto("/audit/?q=" + NAME)
        for action in ("deployment.deploy", "vm.move"):
            expect(page.locator("main")).to_contain_text(action)

    with signed_in(browser, demo, "fabrikam") as page:
        for address in (
            "/library/",
            "/virtual-machines/",
            "/deployments/",
            "/audit/",
            "/activity/",
        ):
            page.goto(address)
            expect(page.locator("main")).not_to_contain_text(NAME)
            expect(page.locator("main")).not_to_contain_text(disk.name)


def deploy(page: Page) -> None:
    """From the library's pair by the form; the host that failed is greyed, with its reason."""
    page.goto("/library/")
    page.get_by_role("link", name="Deploy ", exact=False).filter(has_text="with").first.click()
    page.get_by_role("textbox", name="Name", exact=True).fill(NAME)
    page.get_by_label("Cluster", exact=True).select_option(label="hci01")
    expect(page.locator("#places")).to_contain_text("failed attestation", timeout=SLOW)
    refused = page.locator("#places .place", has_text="failed attestation")
    expect(refused.locator("input[type=radio]:not([disabled])")).to_have_count(0)
    page.get_by_label("Volume", exact=True).select_option(index=1)
    for field in page.locator("#deploy-fields input[name^='value']").all():
        field.fill("STORY01" if "omputer" in (field.get_attribute("name") or "") else "UTC")
    expect(page.locator("#preflight-lines")).to_contain_text("All", timeout=SLOW)
    page.get_by_role("button", name="Deploy", exact=True).click()
    expect(page.locator("#op-steps")).to_be_visible(timeout=SLOW)


def refused_its_console_and_moved(page: Page) -> str:
    """The host that it was on before the move."""
    machine = page.url
    page.get_by_role("link", name="Console").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"The console of {NAME} is closed")
    page.goto(machine)
    host = page.locator("#vm-properties dd a").first.inner_text()
    page.get_by_role("link", name="Move").click()
    pane = page.locator("#pane")
    expect(pane).to_contain_text("failed attestation")
    pane.locator("input[name=host]:not([disabled])").first.check()
    pane.get_by_role("button", name="Move").click()
    return host


def test_the_demos_file_tells_what_a_script_needs(demo: demos.Demo) -> None:
    facts = json.loads((demo.folder / "demo.json").read_text())

    assert {user["username"] for user in facts["users"]} == {
        "admin", "guardian", "contoso", "fabrikam", "auditor",
    }  # fmt: skip
    assert oct((demo.folder / "demo.json").stat().st_mode & 0o777) == "0o600"

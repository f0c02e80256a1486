"""What two people see of one order, in two real browsers: from the click to each change.

Needs Debian's Chromium. Starts a demo of its own, once the first readings are in.
"""

import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.clients import Client, say
from tests.story import demo as demos
from tests.ui.screenshots import FLAGS

TURNS = 10
#: Notes when each new text of an element came, in ms since the epoch.
_WATCH = """([selector]) => {
  const seen = window.seen = []
  let last = ""
  const look = () => {
    const text = document.querySelector(selector)?.innerText.trim() ?? ""
    if (text !== last) { last = text; seen.push([Date.now(), text]) }
  }
  new MutationObserver(look).observe(document.body,
    {subtree: true, childList: true, characterData: true, attributes: true})
  look()
}"""


def seeing() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        say("Chromium isn't installed: what people see wasn't measured")
        return
    with _demo() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        _measured(demo, browser)
        browser.close()


@contextmanager
def _demo() -> Iterator[demos.Demo]:
    running = demos.start()
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(running.folder.parent, ignore_errors=True)


def _measured(demo: demos.Demo, browser: Browser) -> None:
    api = Client(demo.url, demo.user("admin")["api_token"])
    vm = _machine(api)
    orders, rows = _signed_in(demo, browser), _signed_in(demo, browser)
    orders.goto(f"/virtual-machines/{vm['id']}/")
    rows.goto(f"/virtual-machines/?q={vm['name']}")
    found: dict[str, list[float]] = {}
    for _ in range(TURNS):
        for command, doing, done in (
            ("Start", "Starting", "Running"),
            ("Turn off", "Turning off", "Off"),
        ):
            _one_order(api, vm, (orders, rows), (command, doing, done), found)
    for words, times in found.items():
        times.sort()
        say(
            f"{words:<58}{statistics.median(times):>7.0f}{times[-1]:>7.0f}   ms, median and slowest"
        )


def _machine(api: Client) -> dict[str, Any]:
    """A machine that is off and that any host may start, once it was read."""
    for _ in range(600):
        listed = api.ask("GET", "/api/v1/virtual-machines/?state=off&protection=none")[1]["results"]
        if listed:
            found: dict[str, Any] = listed[0]
            return found
        time.sleep(0.1)
    raise SystemExit("the demo has no machine that is off")


def _signed_in(demo: demos.Demo, browser: Browser) -> Page:
    context = browser.new_context(base_url=demo.url, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto("/")
    page.get_by_label("User").fill("admin")
    page.get_by_label("Password").fill(demo.user("admin")["password"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Fabric Portal, overview").wait_for()
    return page


def _one_order(
    api: Client,
    vm: dict[str, Any],
    pages: tuple[Page, Page],
    words: tuple[str, str, str],
    found: dict[str, list[float]],
) -> None:
    orders, rows = pages
    command, doing, done = words
    orders.evaluate(_WATCH, ["#vm-machine"])
    rows.evaluate(_WATCH, [f"#vm-{vm['id']}"])
    orders.evaluate(
        "() => document.addEventListener('click', () => { window.clicked = Date.now() },"
        " {capture: true})"  # the last click is the one that orders, in the dialog if there is one
    )
    orders.get_by_role("button", name=command, exact=True).click()
    if orders.locator("dialog[open]").count():
        orders.locator("dialog[open]").get_by_role("button", name=command).click()
    state = "running" if done == "Running" else "off"
    address = f"/api/v1/virtual-machines/{vm['id']}/"
    api.until(address, lambda row: row["state"] == state and row["active_operation"] is None)
    for page in pages:
        page.wait_for_function(
            "word => window.seen.length > 1 && window.seen.at(-1)[1].includes(word)", arg=done
        )
    clicked = orders.evaluate("window.clicked")
    operation = api.ask("GET", f"/api/v1/operations/?target={vm['id']}")[1]["results"][0]
    ended = _moment(operation["ended_at"])
    for page, who in ((orders, "of who clicked"), (rows, "of somebody else")):
        seen = page.evaluate("window.seen")
        began = next((at for at, text in seen if f"{doing}…" in text), None)
        if began is not None:  # who only looks on may be told of the end first
            _note(found, f"click to “{doing}…” in the browser {who}", began - clicked)
        over = next(at for at, text in seen[::-1] if done in text)
        _note(found, f"host done to “{done}” in the browser {who}", over - ended)


def _moment(text: str) -> float:
    import datetime

    return datetime.datetime.fromisoformat(text).timestamp() * 1000


def _note(found: dict[str, list[float]], words: str, milliseconds: float) -> None:
    found.setdefault(words, []).append(milliseconds)


if __name__ == "__main__":
    seeing()

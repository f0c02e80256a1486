"""Looks at the pages of a running portal: pictures, and what axe-core finds.

usage: python -m tests.ui.screenshots --demo var/demo.json --out DIR [--axe] [--as USER]
           [--theme light|dark|both] [--width N …] [PATH …]

A PATH may name who looks: `contoso:/library/`. Without paths the pages of the navigation are taken.
Ends with 1 where a page doesn't answer 200, scrolls sideways, tells of an error in its console, or
(with --axe) axe-core finds something.
"""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
HEIGHT = 900
NARROW = 600


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own browser, without a window."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


def sign_in(context: BrowserContext, url: str, username: str, password: str) -> None:
    page = context.new_page()
    page.goto(f"{url}/sign-in/")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda address: "/sign-in/" not in address)
    page.close()


def axe(page: Page) -> list[str]:
    """What axe-core finds, one line a rule with the first elements that break it."""
    page.evaluate(AXE.read_text())  # by the debugger: no policy of the page is in its way
    found = page.evaluate("tags => axe.run({runOnly: tags}).then(r => r.violations)", TAGS)
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: "
        + "; ".join(" ".join(node["target"]) for node in one["nodes"][:4])
        for one in found
    ]


def faults_of(page: Page, width: int) -> list[str]:
    """What is wrong with how the page lies on the screen."""
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"scrolls sideways by {over} px at {width}"] if over > 0 else []


def look(page: Page, address: str, width: int, picture: Path, with_axe: bool) -> list[str]:
    """Opens the address and takes its picture; gives what is wrong."""
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    answer = page.goto(address)
    if answer is None or answer.status != 200:
        return [f"answers {answer.status if answer else 'nothing'}"]
    page.wait_for_function("document.readyState === 'complete'")
    page.screenshot(path=picture, full_page=width < NARROW)
    return [*errors, *faults_of(page, width), *(axe(page) if with_axe else [])]


def addresses(context: BrowserContext, url: str) -> list[str]:
    """The pages that the navigation leads to."""
    page = context.new_page()
    page.goto(url)
    found = page.eval_on_selector_all(
        ".topbar__link, .tools__link", "links => links.map(link => link.getAttribute('href'))"
    )
    page.close()
    return list(dict.fromkeys(["/", *found]))


def _name(who: str, address: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{who}{address}".lower()).strip("-")


def _targets(options: argparse.Namespace, contexts: Any, url: str) -> Iterator[tuple[str, str]]:
    for path in options.paths or addresses(contexts(options.user), url):
        who, colon, address = path.partition(":")
        yield (who, address) if colon else (options.user, path)


def run(options: argparse.Namespace, browser: Browser) -> int:
    demo = json.loads(options.demo.read_text())
    users = {user["username"]: user for user in demo["users"]}
    url, worst = demo["url"].rstrip("/"), 0
    opened: dict[tuple[str, int], BrowserContext] = {}

    def context(who: str, width: int = 1440) -> BrowserContext:
        if (who, width) not in opened:
            made = browser.new_context(viewport={"width": width, "height": HEIGHT})
            if who != "nobody":
                sign_in(made, url, who, users[who]["password"])
            opened[who, width] = made
        return opened[who, width]

    themes = ("light", "dark") if options.theme == "both" else (options.theme,)
    for who, address in list(_targets(options, context, url)):
        for theme in themes:
            for width in options.width:
                page = context(who, width).new_page()
                page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                name = f"{_name(who, address)}-{theme}-{width}"
                faults = look(page, url + address, width, options.out / f"{name}.png", options.axe)
                page.close()
                sys.stdout.write(f"{name}: {'' if faults else 'fine'}\n")
                for fault in faults:
                    sys.stdout.write(f"    {fault}\n")
                worst |= bool(faults)
    return int(worst)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, default=Path("var/demo.json"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--axe", action="store_true")
    parser.add_argument("--as", dest="user", default="admin")
    parser.add_argument("--theme", choices=("light", "dark", "both"), default="both")
    parser.add_argument("--width", type=int, nargs="*", default=[1440, 400])
    parser.add_argument("paths", nargs="*")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        return run(options, browser)


if __name__ == "__main__":
    sys.exit(main())

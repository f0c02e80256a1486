"""Takes pictures of a running demo's pages into docs/screenshots.

usage: python -m scripts.screenshots [--demo var/demo.json]
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

OUT = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
# name, who looks, address
PAGES = (
    ("overview", "admin", "/"),
    ("virtual-machines", "admin", "/virtual-machines/"),
    ("hosts", "admin", "/hosts/"),
    ("attestation", "guardian", "/attestation/"),
    ("library", "contoso", "/library/"),
    ("activity", "admin", "/activity/"),
    ("audit", "auditor", "/audit/"),
)


def sign_in(page: Page, url: str, user: dict[str, Any]) -> None:
    page.goto(f"{url}/sign-in/")
    page.fill("input[name=username]", user["username"])
    page.fill("input[name=password]", user["password"])
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda address: "/sign-in/" not in address)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, default=Path("var/demo.json"))
    options = parser.parse_args()
    if not options.demo.exists():
        parser.error(f"{options.demo} isn't there: start the demo first")
    demo = json.loads(options.demo.read_text())
    users = {user["username"]: user for user in demo["users"]}
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, who, address in PAGES:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            sign_in(page, demo["url"], users[who])
            answer = page.goto(demo["url"] + address)
            if answer is None or answer.status != 200:
                sys.stderr.write(f"{address} as {who} isn't there\n")
            else:
                page.screenshot(path=OUT / f"{name}.png")
            context.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

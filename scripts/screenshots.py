"""Takes pictures of a running demo's pages into docs/screenshots, light and dark.

usage: python -m scripts.screenshots [--demo var/demo.json]

They show what is there: upload a sample pair and deploy it before.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from benchmarks.clients import Client

OUT = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
SIZE: ViewportSize = {"width": 1360, "height": 800}
MOST_BYTES = 200_000
IN_DARK = {"overview", "virtual-machines", "virtual-machine", "move", "attestation", "library"}


def pages(admin: Client) -> list[tuple[str, str, str]]:
    """Name, who looks, address; those of one row only where there is such a row."""
    found = [
        ("overview", "admin", "/overview/"),
        ("virtual-machines", "admin", "/virtual-machines/?ordering=-memory_bytes"),
        ("hosts", "admin", "/hosts/"),
        ("attestation", "guardian", "/attestation/"),
        ("library", "contoso", "/library/"),
        ("deploy", "contoso", "/deployments/new/"),
        ("activity", "admin", "/activity/"),
        ("audit", "auditor", "/audit/"),
    ]
    shielded = "virtual-machines/?protection=shielded&state=running"
    for name, rows, address in (
        ("virtual-machine", shielded, "/virtual-machines/{}/"),
        ("move", shielded, "/virtual-machines/{}/move/"),
        ("host", "hosts/", "/hosts/{}/"),
        ("deployment", "deployments/?ordering=-created_at", "/deployments/{}/"),
    ):
        row = next(iter(admin.ask("GET", f"/api/v1/{rows}")[1]["results"]), None)
        if row is not None:
            found.append((name, "admin", address.format(row["id"])))
    return found


def sign_in(page: Page, url: str, user: dict[str, Any]) -> None:
    page.goto(f"{url}/sign-in/")
    page.fill("input[name=username]", user["username"])
    page.fill("input[name=password]", user["password"])
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda address: "/sign-in/" not in address)


def take(
    browser: Browser, url: str, user: dict[str, Any], shots: list[tuple[str, str]], scheme: Any
) -> None:
    """All pictures of one person in one look."""
    context = browser.new_context(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    sign_in(page, url, user)
    for name, address in shots:
        answer = page.goto(url + address)
        path = OUT / (f"{name}.png" if scheme == "light" else f"{name}-dark.png")
        if answer is None or answer.status != 200:
            sys.stderr.write(f"{urlsplit(address).path} as {user['username']} isn't there\n")
            continue
        page.evaluate("document.fonts.ready")
        page.screenshot(path=path)
        if path.stat().st_size > MOST_BYTES:
            sys.stderr.write(f"{path.name} is larger than {MOST_BYTES:,} bytes\n")
    context.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, default=Path("var/demo.json"))
    options = parser.parse_args()
    if not options.demo.exists():
        parser.error(f"{options.demo} isn't there: start the demo first")
    demo = json.loads(options.demo.read_text())
    users = {user["username"]: user for user in demo["users"]}
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    wanted = pages(Client(demo["url"], users["admin"]["api_token"]))
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for who, user in users.items():
            shots = [(name, address) for name, by, address in wanted if by == who]
            dark = [shot for shot in shots if shot[0] in IN_DARK]
            for scheme, chosen in (("light", shots), ("dark", dark)):
                if chosen:
                    take(browser, demo["url"], user, chosen, scheme)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

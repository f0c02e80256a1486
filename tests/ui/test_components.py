"""Every piece in its states keeps to the rules of a strict page."""

import gzip
import hashlib
import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings

from apps.accounts.models import User
from scripts import bundle_css
from tests.people import People

STATIC = Path(settings.BASE_DIR) / "static"
TEMPLATES: dict[str, Any] = dict(settings.TEMPLATES[0])
TEMPLATES["DIRS"] = [*TEMPLATES["DIRS"], Path(__file__).parent / "templates"]
LATER = {"pane-title"}  # comes with what is read into the pane
ROLES = ("admin", "guardian", "contoso", "auditor")


class Rules(HTMLParser):
    """What a page breaks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.broken: list[str] = []
        self.ids: Counter[str] = Counter()
        self.names: set[str] = set()
        self.pointed: set[str] = set()
        self.counts: Counter[str] = Counter()
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        self.counts[tag] += 1
        self._script = tag == "script" and "src" not in have
        self.broken += [f"{name} on {tag}" for name in have if name == "style" or name[:2] == "on"]
        self.broken += [f"{name} on {tag}" for name in have if name.startswith("hx-on")]
        if "id" in have:
            self.ids[have["id"]] += 1
        for name in (
            "aria-describedby",
            "aria-labelledby",
            "aria-controls",
            "for",
            "popovertarget",
        ):
            self.pointed |= set(have.get(name, "").split())
        if tag == "style" or have.get("href", "").startswith("javascript:"):
            self.broken.append(f"{tag} inline")

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.broken.append("inline script")

    def faults(self) -> list[str]:
        twice = [name for name, number in self.ids.items() if number > 1]
        return [
            *self.broken,
            *(f"id {name} used twice" for name in twice),
            *(f"nothing has the id {name}" for name in self.pointed - set(self.ids) - LATER),
            *(f"{self.counts[tag]} {tag}" for tag in ("h1", "main") if self.counts[tag] != 1),
        ]


@pytest.fixture
def pieces() -> override_settings:
    return override_settings(ROOT_URLCONF="tests.ui.urls", TEMPLATES=[TEMPLATES])


@pytest.mark.parametrize("role", ROLES)
def test_every_piece_keeps_to_the_rules_of_a_strict_page(
    people: People, pieces: override_settings, role: str
) -> None:
    client = Client()
    user: User = getattr(people, role)
    client.force_login(user)
    with pieces:
        answer = client.get("/pieces/")
    assert answer.status_code == 200
    assert Rules(answer.content.decode()).faults() == []


def test_a_gap_is_drawn_as_a_gap_and_what_no_span_covers_too(
    people: People, pieces: override_settings
) -> None:
    client = Client()
    client.force_login(people.admin)
    with pieces:
        text = client.get("/pieces/").content.decode()
    strip = text.split('class="strip"')[1].split("</svg>")[0]
    kinds = [piece.split('"')[1] for piece in strip.split("<rect ")[1:]]
    assert kinds == ["v-passed", "p-expired", "v-gap", "v-gap", "p-insecure"]
    assert 'x="50%" width="10%"' in strip


def test_the_theme_of_the_account_is_there_before_any_script_runs(admin: User) -> None:
    admin.theme = "dark"
    admin.save()
    client = Client()
    client.force_login(admin)
    assert '<html lang="en" data-theme="dark">' in client.get("/account/").content.decode()


def test_a_cookie_that_is_no_theme_changes_nothing(client: Client, db: None) -> None:
    client.cookies["theme"] = '"><script>'
    assert '<html lang="en">' in client.get("/sign-in/").content.decode()


def test_vendored_files_are_what_the_manifest_says() -> None:
    manifest = json.loads((STATIC / "vendor" / "manifest.json").read_text())
    named = {one["file"] for one in manifest["files"]}
    assert named == {path.name for path in (STATIC / "vendor").glob("*.js")}
    for one in manifest["files"]:
        content = (STATIC / "vendor" / one["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one["sha256"], one["file"]
        assert (STATIC / "vendor" / one["licence_file"]).read_text().strip()


def test_the_style_sheet_is_joined_from_its_parts() -> None:
    assert (STATIC / "css" / "fabric.css").read_text() == bundle_css.bundle()


def test_a_page_loads_less_than_120_kb_of_styles_and_scripts() -> None:
    files = [STATIC / "css" / "fabric.css", *(STATIC / "js").glob("*.js")]
    files += [STATIC / "vendor" / "htmx.min.js", STATIC / "vendor" / "tus.min.js"]
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in files}
    assert sum(sizes.values()) < 120_000, sizes

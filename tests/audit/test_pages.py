"""The page Audit: who may verify, what an entry's page proves, what is taken away."""

import json

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from apps.accounts.models import User
from apps.audit import tasks, tree
from apps.audit.models import AuditEntry, Verification
from apps.audit.services import record


@pytest.fixture(autouse=True)
def entries(admin: User) -> None:
    for number in range(5):
        record(
            actor=admin, action="vm.start", target_kind="vm", target_id=number, outcome="done",
            target_name=f"<b>vm {number}</b>",
        )  # fmt: skip


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_auditor_has_the_log_read_again(auditor: User, monkeypatch, settings) -> None:
    settings.FABRIC_AUDIT_KEY = bytes(range(32))
    asked = []
    monkeypatch.setattr(tasks.verify, "apply_async", lambda **more: asked.append(more))
    page = browser(auditor)

    page.post("/audit/verify/")
    page.post("/audit/verify/")

    assert "Reading the log" in page.get("/audit/").text
    assert asked == [{"queue": "observations"}]  # a second click starts no second one
    tasks.verify()
    assert "Log verified up to" in page.get("/audit/").text
    assert Verification.objects.count() == 1


def test_without_a_queue_nothing_stands_as_under_way(auditor: User, monkeypatch) -> None:
    def away(**_: object) -> None:
        raise OperationalError("Connection refused.")

    monkeypatch.setattr(tasks.verify, "apply_async", away)

    assert browser(auditor).post("/audit/verify/").status_code == 503
    assert not Verification.objects.exists()


def test_what_was_changed_shows_on_the_page(auditor: User) -> None:
    AuditEntry.objects.filter(index=3).update(target_name="somebody else")

    tasks.verify()

    assert "Entry 3 isn’t what it was when it was written." in browser(auditor).get("/audit/").text


def test_others_read_and_do_not_verify(admin: User, contoso: User) -> None:
    assert browser(admin).post("/audit/verify/").status_code == 403
    assert "Verify here" not in browser(admin).get("/audit/").text
    assert browser(contoso).get("/audit/entries/1/").status_code == 404


def test_an_entry_s_page_shows_what_is_hashed(auditor: User) -> None:
    answer = browser(auditor).get("/audit/entries/2/")

    leaf = answer.context["leaf"]
    assert json.loads(leaf)["index"] == 2
    assert tree.leaf_hash(leaf.encode()).hex() in answer.text
    assert "<b>vm" not in answer.text


def test_the_verifier_is_taken_away_as_a_file(auditor: User) -> None:
    answer = browser(auditor).get("/audit/verifier/")

    assert answer["Content-Disposition"] == 'attachment; filename="verify.py"'
    compile(answer.content, "verify.py", "exec")

"""Signing in and out by the form."""

import re

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from tests.people import PASSWORD


def send(client: Client, **fields: str) -> object:
    return client.post("/sign-in/", {"username": "admin", "password": PASSWORD} | fields)


def test_signed_out_the_form_asks_for_user_password_and_carries_a_csrf_field(
    client: Client, db: None
) -> None:
    page = client.get("/sign-in/").content.decode()

    assert re.search(r'name="csrfmiddlewaretoken"', page)
    assert re.search(r'type="password"', page)


def test_the_right_password_opens_a_session(client: Client, admin: User) -> None:
    answer = send(client)

    assert answer.status_code == 302
    cookie = client.cookies["fabric_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert client.get("/account/").status_code == 200
    assert AuditEntry.objects.get().action == "session.sign-in"


def test_a_wrong_password_is_refused_in_the_same_words_as_a_wrong_user(
    client: Client, admin: User
) -> None:
    wrong, unknown = send(client, password="no"), send(client, username="nobody")

    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert "User or password is wrong." in wrong.content.decode()
    assert "User or password is wrong." in unknown.content.decode()


def test_without_the_csrf_field_it_is_refused(admin: User) -> None:
    assert send(Client(enforce_csrf_checks=True)).status_code == 403


def test_after_ten_failures_one_waits(client: Client, admin: User) -> None:
    for _ in range(10):
        send(client, password="no")

    answer = send(client)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 300


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_it_leads_nowhere_outside(client: Client, admin: User, elsewhere: str) -> None:
    assert send(client, next=elsewhere).headers["Location"] == "/"


def test_signing_out_is_a_post_and_ends_the_session(client: Client, admin: User) -> None:
    client.force_login(admin)

    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")

    assert client.get("/account/").status_code == 302


def test_pages_carry_a_strict_policy(client: Client, db: None) -> None:
    headers = client.get("/sign-in/").headers

    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]

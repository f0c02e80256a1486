"""Passwords: by a link that opens once, by an admin, by their owner; never shown, never logged."""

import datetime
import logging

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import services
from apps.accounts.models import PasswordLink, User
from apps.audit.models import AuditEntry
from apps.common.errors import Invalid
from apps.common.models import KeptAnswer
from tests.people import PASSWORD, People

PATH = "/api/v1/users/"
CHOSEN = "a pass phrase that I chose"


def choose(key: str, password: str = CHOSEN, again: str | None = None) -> object:
    form = {"code": key, "password": password, "again": password if again is None else again}
    return Client().post("/choose-password/", form)


def link_for(user: User, admin: User) -> str:
    return services.issue_password_link(actor=admin, user=user)[1]


def test_who_is_invited_chooses_a_password_by_a_link_and_signs_in(admin_api: APIClient) -> None:
    made = admin_api.post(PATH, {"username": "ada", "role": "auditor"}).json()
    link = admin_api.post(f"{made['url']}password-link/")
    where, _, key = link.json()["url"].partition("#")

    assert (made["has_password"], link.status_code) == (False, 201)
    assert where.endswith("/choose-password/") and key.startswith("fp_")
    assert choose(key).status_code == 302
    signed = Client().post("/sign-in/", {"username": "ada", "password": CHOSEN})
    assert signed.status_code == 302
    assert admin_api.get(made["url"]).json()["has_password"] is True


def test_a_link_opens_once(people: People) -> None:
    key = link_for(people.contoso, people.admin)

    first, second = choose(key), choose(key, "some other pass phrase")

    assert (first.status_code, second.status_code) == (302, 422)
    assert "opens nothing" in second.content.decode()
    people.contoso.refresh_from_db()
    assert people.contoso.check_password(CHOSEN)


@pytest.mark.parametrize("why", ["unknown", "newer", "old", "deactivated", "set by an admin"])
def test_a_link_that_isn_t_good_is_refused_in_the_same_words(people: People, why: str) -> None:
    key = link_for(people.contoso, people.admin)
    if why == "unknown":
        key += "x"
    elif why == "newer":
        link_for(people.contoso, people.admin)
    elif why == "old":
        PasswordLink.objects.update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    elif why == "deactivated":
        services.deactivate_user(actor=people.admin, user=people.contoso)
        services.reactivate_user(actor=people.admin, user=people.contoso)
    else:
        services.set_password(actor=people.admin, user=people.contoso, password=CHOSEN)

    with pytest.raises(Invalid, match="This link opens nothing: it was used, it is too old"):
        services.use_password_link(key=key, password="yet another pass phrase")


def test_a_password_that_the_rules_refuse_leaves_the_link_good(people: People) -> None:
    key = link_for(people.contoso, people.admin)

    assert choose(key, "12345678").status_code == 422
    assert choose(key, CHOSEN, again="something else").status_code == 422
    assert choose(key).status_code == 302


def test_a_link_ends_sessions_when_it_is_used_not_before(people: People) -> None:
    browser = Client()
    browser.force_login(people.contoso)
    key = link_for(people.contoso, people.admin)

    assert browser.get("/account/").status_code == 200
    choose(key)
    assert "/sign-in/" in browser.get("/account/").headers["Location"]


def test_the_database_holds_no_key_and_no_password_that_could_be_guessed(
    admin_api: APIClient, people: People
) -> None:
    asked = {"Idempotency-Key": "once"}
    link = admin_api.post(f"{PATH}{people.contoso.pk}/password-link/", headers=asked)
    admin_api.post(
        f"{PATH}{people.fabrikam.pk}/password/", {"password": CHOSEN},
        headers={"Idempotency-Key": "twice"},
    )  # fmt: skip
    key = link.json()["url"].partition("#")[2]

    assert key not in str(PasswordLink.objects.values().get())
    assert [row.key for row in KeptAnswer.objects.all()] == ["twice"], "links aren’t replayed"
    assert "password" not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_an_admin_sets_a_password_and_sessions_end_but_not_tokens(
    admin_api: APIClient, people: People
) -> None:
    browser = Client()
    browser.force_login(people.contoso)
    _, token = services.issue_token(actor=None, user=people.contoso, name="script")
    address = f"{PATH}{people.contoso.pk}/password/"

    assert admin_api.post(address, {"password": "1234"}).status_code == 400
    assert admin_api.post(address, {"password": CHOSEN}).status_code == 204
    assert "/sign-in/" in browser.get("/account/").headers["Location"]
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/v1/me/", headers=headers).status_code == 200


def test_one_s_own_password_is_changed_by_who_knows_it(people: People) -> None:
    here, elsewhere = Client(), Client()
    here.force_login(people.contoso)
    elsewhere.force_login(people.contoso)
    form = {"before": "not it", "password": CHOSEN, "again": CHOSEN}

    wrong = here.post("/account/password/", form)
    assert wrong.status_code == 400 and "isn’t your password" in wrong.content.decode()
    assert here.post("/account/password/", form | {"before": PASSWORD}).status_code == 302
    assert here.get("/account/").status_code == 200
    assert "/sign-in/" in elsewhere.get("/account/").headers["Location"]
    for _ in range(10):
        here.post("/account/password/", form)
    assert here.post("/account/password/", form).status_code == 429


def test_no_page_and_no_log_shows_a_password_or_a_key(
    people: People, caplog: pytest.LogCaptureFixture
) -> None:
    admin, one = Client(), f"/settings/users/{people.contoso.pk}/"
    admin.force_login(people.admin)
    with caplog.at_level(logging.DEBUG):
        pane = admin.post(f"{one}password-link/", headers={"HX-Request": "true"})
        key = pane.content.decode().partition("/choose-password/#")[2].partition("<")[0]
        wrong = choose(key, CHOSEN, again="unlike it in every way")
        refused = admin.post(f"{one}password/", {"password": CHOSEN, "again": "unlike"})
        pages = [admin.get(one), admin.get("/settings/users/"), admin.get("/audit/"), refused]

    assert len(key) > 20 and "no-store" in pane.headers["Cache-Control"]
    for secret in (key, CHOSEN, "unlike it in every way"):
        assert secret not in caplog.text
        assert all(secret not in page.content.decode() for page in pages)
    assert CHOSEN not in wrong.content.decode()
    assert "no-store" in wrong.headers["Cache-Control"]

"""API tokens: everybody's for an admin, one's own for anybody else."""

import datetime
from collections.abc import Callable
from typing import Any

from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import services
from apps.accounts.models import ApiToken, User
from apps.audit.models import AuditEntry
from tests.people import People

PATH = "/api/v1/tokens/"


def issue(user: User, name: str, **more: Any) -> ApiToken:
    return services.issue_token(actor=None, user=user, name=name, **more)[0]


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_admin_sees_all_with_whose_they_are_and_ends_any(
    admin_api: APIClient, people: People
) -> None:
    token = issue(people.contoso, "pipeline")
    issue(people.admin, "mine")

    rows = {row["name"]: row for row in admin_api.get(PATH).json()["results"]}
    ended = admin_api.delete(f"{PATH}{token.pk}/")

    assert rows["pipeline"]["user"]["name"] == "contoso" and "mine" in rows
    assert "digest" not in str(rows) and token.digest not in str(rows)
    assert ended.status_code == 204
    token.refresh_from_db()
    assert token.state == "revoked"
    entry = AuditEntry.objects.get(action="token.revoke")
    assert (entry.actor_name, entry.detail) == ("admin", {"user": "contoso"})


def test_nobody_else_sees_or_ends_another_s(people: People, auditor_api: APIClient) -> None:
    token = issue(people.contoso, "pipeline")

    assert auditor_api.get(PATH).json()["count"] == 0
    assert auditor_api.delete(f"{PATH}{token.pk}/").status_code == 404
    for person in (people.auditor, people.fabrikam):
        answer = browser_of(person).post(f"/account/tokens/{token.pk}/revoke/")
        assert answer.status_code == 404
    assert browser_of(people.auditor).get("/settings/tokens/").status_code == 403


def test_the_account_s_page_shows_one_s_own_alone(people: People) -> None:
    issue(people.contoso, "pipeline")

    assert "pipeline" not in browser_of(people.admin).get("/account/").content.decode()


def test_they_are_found_by_whose_by_state_and_by_words(
    admin_api: APIClient, people: People
) -> None:
    soon = timezone.now() + datetime.timedelta(minutes=1)
    issue(people.contoso, "good", expires_at=soon)
    old = issue(people.contoso, "old", expires_at=soon)
    ApiToken.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    services.revoke_token(actor=people.admin, token=issue(people.fabrikam, "ended"))

    def named(query: str) -> set[str]:
        return {row["name"] for row in admin_api.get(f"{PATH}?{query}").json()["results"]}

    assert named("state=good") == {"good"}
    assert named("state=expired") == {"old"}
    assert named("state=revoked") == {"ended"}
    assert named("user=contoso") == {"good", "old"}
    assert named(f"user={people.fabrikam.pk}") == {"ended"}
    assert named("q=contoso") == {"good", "old"}
    assert admin_api.get(f"{PATH}?state=fine").json()["errors"][0]["field"] == "state"


def test_the_page_lists_them_ends_one_and_leads_back(people: People) -> None:
    token = issue(people.contoso, "pipeline")
    browser = browser_of(people.admin)

    assert "pipeline" in browser.get("/settings/tokens/?state=good&q=").content.decode()
    back = browser.post(
        f"/account/tokens/{token.pk}/revoke/", {"next": "/settings/tokens/?state=good"}
    )
    assert back.headers["Location"] == "/settings/tokens/?state=good"
    assert "No token fits" in browser.get("/settings/tokens/?state=good").content.decode()
    outside = browser.post(f"/account/tokens/{token.pk}/revoke/", {"next": "//evil.example"})
    assert outside.headers["Location"] == "/"


def test_lists_cost_the_same_queries_for_any_number(
    admin_api: APIClient, people: People, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(40):
        issue(people.contoso, f"t{number}")
    browser = browser_of(people.admin)

    with django_assert_max_num_queries(2):
        assert admin_api.get(PATH).json()["count"] == 40
    with django_assert_max_num_queries(9):
        text = browser.get("/settings/tokens/").content.decode()
    assert text.count("<tr id=") == 40

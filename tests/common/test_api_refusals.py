"""What the API refuses, it refuses as a problem document."""

import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.accounts.services import issue_token

TENANTS = "/api/v1/tenants/"
BODIES = {
    "not JSON": b"{not json",
    "half a document": b'{"name": "x',
    "a list": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "a number": b"42",
    "bad UTF-8": b'{"name": "\xff\xfe"}',
    "deep": b"[" * 3000 + b"]" * 3000,
    "deep in an object": b'{"name": ' + b"[" * 200 + b"]" * 200 + b"}",
    "not a number": b'{"quota_vms": NaN}',
    "half a surrogate pair": b'{"name": "\\ud800"}',
    "a digit too many": b'{"quota_vms": ' + b"9" * 5000 + b"}",
}


def problem(answer: Any, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(answer.content)
    assert document["status"] == status
    assert document["type"] == f"/problems/{slug}/"
    assert document["title"]
    assert document["detail"]
    return document


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_sound_json_object_is_invalid(admin_api: APIClient, body: bytes) -> None:
    answer = admin_api.generic("POST", TENANTS, body, content_type="application/json")

    problem(answer, 400, "invalid")


def test_a_missing_field_is_named(admin_api: APIClient) -> None:
    document = problem(admin_api.post(TENANTS, {}), 400, "invalid")

    assert [one["field"] for one in document["errors"]] == ["name"]


def test_a_nul_character_is_refused_by_its_field(admin_api: APIClient) -> None:
    document = problem(admin_api.post(TENANTS, {"name": "a\x00b"}), 400, "invalid")

    assert document["errors"][0]["field"] == "name"


@pytest.mark.parametrize("kind", ["application/xml", "text/plain"])
def test_another_media_type_is_unsupported(admin_api: APIClient, kind: str) -> None:
    answer = admin_api.generic("POST", TENANTS, b"<name>x</name>", content_type=kind)

    problem(answer, 415, "unsupported-media-type")


def test_a_format_that_is_not_served_is_not_acceptable(admin_api: APIClient) -> None:
    problem(admin_api.get("/api/v1/me/", headers={"Accept": "text/html"}), 406, "not-acceptable")


def test_a_method_that_is_not_there_is_told_with_those_that_are(admin_api: APIClient) -> None:
    answer = admin_api.delete(TENANTS)

    problem(answer, 405, "method-not-allowed")
    assert "POST" in answer.headers["Allow"]


def test_an_unknown_address_and_an_unknown_id_are_not_found(admin_api: APIClient) -> None:
    for path in ("no-such/", "tenants/not-an-id/", f"tenants/{'0' * 8}-0000-4000-8000-{'0' * 12}/"):
        problem(admin_api.get("/api/v1/" + path), 404, "not-found")


def test_nobody_is_unauthenticated(anonymous_api: APIClient, db: None) -> None:
    answer = anonymous_api.get("/api/v1/me/")

    problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header",
    [
        "Bearer fp_wrong",
        "Bearer ",
        "Bearer fp_two words",
        "Bearer \xe9",
        "Basic YWRtaW46",
        "Bearer " + "a" * 3000,
    ],
)
def test_a_token_that_is_none_is_unauthenticated(client: Client, db: None, header: str) -> None:
    answer = client.get("/api/v1/me/", headers={"Authorization": header})

    problem(answer, 401, "unauthenticated")


def test_permission_is_asked_before_the_body(auditor_api: APIClient) -> None:
    answer = auditor_api.generic("POST", TENANTS, b"{not json", content_type="application/json")

    problem(answer, 403, "forbidden")


def test_a_tenants_list_of_what_it_has_no_grant_for_is_forbidden(contoso_api: APIClient) -> None:
    problem(contoso_api.get(TENANTS), 403, "forbidden")


@pytest.mark.parametrize(
    "query", ["limit=abc", "limit=0", "limit=-1", "offset=-5", "ordering=password"]
)
def test_a_query_that_makes_no_sense_names_its_parameter(admin_api: APIClient, query: str) -> None:
    document = problem(admin_api.get(f"{TENANTS}?{query}"), 400, "invalid")

    assert document["errors"][0]["field"] == query.partition("=")[0]


def test_nothing_in_a_query_breaks_a_list(admin_api: APIClient) -> None:
    for query in ("q=%00", "q=%ff", "offset=" + "9" * 22, "limit=1&limit=2", "&&&=&=", "role=%27"):
        assert admin_api.get(f"/api/v1/users/?{query}").status_code in (200, 400)


def test_a_session_writes_only_with_its_csrf_token(admin: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin)

    answer = browser.post(TENANTS, "{}", content_type="application/json")

    problem(answer, 403, "forbidden")


def test_a_body_over_the_limit_is_too_large(admin_api: APIClient) -> None:
    answer = admin_api.generic("POST", TENANTS, b" " * (1 << 21), content_type="application/json")

    problem(answer, 413, "too-large")


def test_an_unknown_host_is_refused_as_a_problem(client: Client) -> None:
    problem(client.get("/api/v1/me/", headers={"Host": "evil.example"}), 400, "invalid")


def test_a_token_opens_the_api_until_it_is_revoked(client: Client, admin: User) -> None:
    token, key = issue_token(actor=admin, user=admin, name="script")
    asked = {"Authorization": f"Bearer {key}"}

    before = client.get("/api/v1/me/", headers=asked)
    client.delete(f"/api/v1/tokens/{token.pk}/", headers=asked)
    after = client.get("/api/v1/me/", headers=asked)

    assert before.json()["username"] == "admin"
    problem(after, 401, "unauthenticated")

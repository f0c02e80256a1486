"""The same key gives the same answer, and the work is done once."""

from rest_framework.test import APIClient

from apps.accounts.models import Tenant

KEY = {"Idempotency-Key": "one"}


def test_a_repeated_request_gets_the_first_answer(admin_api: APIClient) -> None:
    first = admin_api.post("/api/v1/tenants/", {"name": "a"}, headers=KEY)
    second = admin_api.post("/api/v1/tenants/", {"name": "a"}, headers=KEY)

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["Location"] == first.headers["Location"]
    assert Tenant.objects.filter(name="a").count() == 1


def test_a_refusal_is_repeated_too(admin_api: APIClient) -> None:
    first = admin_api.post("/api/v1/tenants/", {}, headers=KEY)
    second = admin_api.post("/api/v1/tenants/", {}, headers=KEY)

    assert (first.status_code, second.status_code) == (400, 400)
    assert second.content == first.content
    assert second.headers["Content-Type"] == "application/problem+json"


def test_another_body_under_the_same_key_is_a_conflict(admin_api: APIClient) -> None:
    admin_api.post("/api/v1/tenants/", {"name": "a"}, headers=KEY)

    answer = admin_api.post("/api/v1/tenants/", {"name": "b"}, headers=KEY)

    assert answer.status_code == 409
    assert not Tenant.objects.filter(name="b").exists()


def test_a_key_belongs_to_one_person(admin_api: APIClient, auditor_api: APIClient) -> None:
    admin_api.post("/api/v1/tenants/", {"name": "a"}, headers=KEY)

    assert auditor_api.post("/api/v1/tenants/", {"name": "a"}, headers=KEY).status_code == 403

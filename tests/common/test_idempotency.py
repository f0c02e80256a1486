"""The same key gives the same answer, and the work is done once."""

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.models import Tenant
from apps.common.api import idempotency
from apps.common.errors import Conflict
from apps.common.models import KeptAnswer

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


@pytest.mark.django_db(transaction=True)
def test_the_second_of_two_at_the_same_time_is_told_to_wait() -> None:
    first = idempotency.begin(user_id="1", key="k", fingerprint="f")

    with pytest.raises(Conflict):
        idempotency.begin(user_id="1", key="k", fingerprint="f")
    assert isinstance(first, int)
    idempotency.finish(first, idempotency.Answer(204))

    assert idempotency.begin(user_id="1", key="k", fingerprint="f") == idempotency.Answer(204)


@pytest.mark.django_db
def test_a_fault_is_not_kept() -> None:
    first = idempotency.begin(user_id="1", key="k", fingerprint="f")
    assert isinstance(first, int)

    idempotency.finish(first, idempotency.Answer(500))

    assert isinstance(idempotency.begin(user_id="1", key="k", fingerprint="f"), int)


@pytest.mark.django_db
def test_a_request_whose_process_died_gives_its_key_back() -> None:
    first = idempotency.begin(user_id="1", key="k", fingerprint="f")
    long_ago = timezone.now() - idempotency.LOST * 2
    KeptAnswer.objects.filter(pk=first).update(started_at=long_ago)

    assert isinstance(idempotency.begin(user_id="1", key="k", fingerprint="f"), int)


@pytest.mark.django_db
def test_answers_of_yesterday_are_swept() -> None:
    first = idempotency.begin(user_id="1", key="k", fingerprint="f")
    KeptAnswer.objects.filter(pk=first).update(started_at=timezone.now() - idempotency.KEPT * 2)

    assert idempotency.sweep() == 1

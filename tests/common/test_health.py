"""What machines ask: does it live, can it work, how much is there."""

import pytest
from django.test import Client

from apps.common import heartbeats
from tests.people import People
from tests.waiting import wait_for


def test_it_lives(client: Client) -> None:
    assert client.get("/health/live/").json() == {"status": "live"}


@pytest.mark.django_db
def test_without_a_worker_it_is_not_ready_and_says_so(client: Client) -> None:
    answer = client.get("/health/ready/")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": True, "redis": True, "workers": False}


@pytest.mark.django_db
def test_with_a_worker_it_is_ready(client: Client) -> None:
    heartbeats.say("worker@here")

    assert client.get("/health/ready/").status_code == 200


def test_a_worker_that_stops_is_no_longer_counted() -> None:
    silence = heartbeats.keep_saying("worker@here")
    wait_for(lambda: heartbeats.workers() == ["worker@here"], "the worker is heard")

    silence.set()

    wait_for(lambda: heartbeats.workers() == [], "the worker is gone")


def test_metrics_are_for_hci_admins(client: Client, people: People) -> None:
    assert client.get("/metrics/").status_code == 401
    client.force_login(people.auditor)
    assert client.get("/metrics/").status_code == 403
    client.force_login(people.admin)
    answer = client.get("/metrics/")

    assert answer.status_code == 200
    assert b"fabric_workers 0.0" in answer.content


def test_the_metrics_token_opens_metrics_and_nothing_else(
    client: Client, db: None, settings
) -> None:  # type: ignore[no-untyped-def]
    settings.FABRIC_METRICS_TOKEN = "a token for the collector"
    asked = {"Authorization": "Bearer a token for the collector"}

    assert client.get("/metrics/", headers=asked).status_code == 200
    assert client.get("/api/v1/me/", headers=asked).status_code == 401

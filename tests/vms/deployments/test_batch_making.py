"""Batches on the lab's hosts: one that fails stops no other, a cancel stops what hasn't begun."""

import threading
from typing import Any

import pytest
from django.db import connections

from apps.operations import reaper
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.vms.deployments.models import Deployment
from tests.fabric.fixtures import api as client_of
from tests.fabric.fixtures import execute
from tests.vms.deployments.makers import regular
from tests.vms.deployments.test_making import where
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v1/deployments/batch/"


def asked(folk, cluster, number: int) -> tuple[dict[str, Any], Operation]:
    """The batch's row, and the operation that follows its machines."""
    shared = {key: value for key, value in regular(cluster).items() if key != "name"}
    shared |= {key: value for key, value in where(cluster).items() if key != "host"}
    rows = [{"name": f"web-{n}", "host": "alpha-1"} for n in range(1, number + 1)]
    row = client_of(folk.admin).post(PATH, shared | {"rows": rows}).json()
    return row, Operation.objects.get(pk=row["operation"]["id"])


def work_on(operation: Operation) -> None:
    """As a worker's thread does, which keeps no connection."""
    try:
        execute(operation)
    finally:
        connections.close_all()


def names_in(lab) -> set[str]:
    return {vm["name"] for vm in lab.control("GET", "/state")["clusters"][0]["vms"]}


def test_one_that_fails_stops_no_other_and_a_retry_makes_it(lab, cluster, folk):
    fault = {"on": "New-VM", "kind": "error", "message": "It broke.", "times": 1}
    lab.host("alpha-1", faults=[fault])
    row, operation = asked(folk, cluster, 3)

    operation = execute(operation)

    told = client_of(folk.admin).get(row["url"]).json()["rows"]
    (failed,) = [one for one in told if one["status"] != "succeeded"]
    assert (operation.status, operation.error["code"]) == ("failed", "batch-incomplete")
    assert failed["name"] in operation.error["message"]
    assert failed["error"]["host_message"] == "It broke."
    assert sorted(step["status"] for step in operation.steps) == ["failed", *["succeeded"] * 2]
    assert operation.result["counts"] == {"succeeded": 2, "failed": 1}
    before = Deployment.objects.exclude(name=failed["name"]).values_list("operation", flat=True)
    before = set(before)

    again = execute(operations.retry(actor=folk.admin, operation=operation))

    assert again.status == "succeeded", again.error
    assert {"web-1", "web-2", "web-3"} <= names_in(lab)
    after = Deployment.objects.exclude(name=failed["name"]).values_list("operation", flat=True)
    assert set(after) == before, "what was made is left alone"


def test_a_cancel_lets_what_has_begun_end_and_stops_the_rest(lab, cluster, folk):
    lab.host("alpha-1", latency_ms=1000)
    row, operation = asked(folk, cluster, 3)
    thread = threading.Thread(target=work_on, args=(operation,))
    thread.start()
    begun = Operation.objects.filter(kind="deployment.deploy", status="running")
    wait_for(begun.exists, "the first machine to begin")

    operations.cancel(actor=folk.admin, operation=operation)
    rest = Operation.objects.filter(kind="deployment.deploy", status="cancelled")
    wait_for(rest.exists, "the others to be stopped")
    lab.host("alpha-1", latency_ms=0)
    thread.join(60)

    operation.refresh_from_db()
    told = client_of(folk.admin).get(row["url"]).json()["rows"]
    made = {one["name"] for one in told if one["status"] == "succeeded"}
    assert operation.status == "cancelled"
    assert 1 <= len(made) < 3
    assert {one["status"] for one in told if one["name"] not in made} == {"cancelled"}
    assert names_in(lab) & {"web-1", "web-2", "web-3"} == made


def test_a_worker_that_takes_a_batch_over_goes_on_following(lab, cluster, folk):
    _, operation = asked(folk, cluster, 2)
    Operation.objects.filter(pk=operation.pk).update(
        status="running", worker="gone", attempt=1, heartbeat_at=None
    )

    reaper.reap()
    operation = execute(operation)

    assert (operation.status, operation.attempt) == ("succeeded", 2)
    assert {"web-1", "web-2"} <= names_in(lab)

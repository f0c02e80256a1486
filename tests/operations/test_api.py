import pytest

from apps.operations import execution
from apps.operations.choices import Status
from apps.operations.models import Operation
from tests.operations.conftest import fails, request

pytestmark = pytest.mark.django_db


def test_a_row_has_the_shape_that_programs_rely_on(admin_api, failed):
    row = admin_api.get(f"/api/v1/operations/{failed.pk}/").json()

    assert row["target"] == {"kind": "thing", "id": "7", "name": "thing-7"}
    assert (row["actor"]["name"], row["status"], row["script"]) == ("admin", "failed", None)
    assert set(row["error"]) == {"code", "message", "hint", "host_message"}
    assert row["created_at"].endswith("Z")
    assert {"name", "status", "progress", "message"} <= set(row["steps"][0])


def test_lists_are_narrowed_by_status_kind_target_and_actor(admin_api, failed, admin):
    queued = request(target_id="8")

    def found(query: str) -> list[str]:
        return [
            row["id"] for row in admin_api.get(f"/api/v1/operations/?{query}").json()["results"]
        ]

    for query in ("status=failed", "target=7", "actor=admin", f"actor={admin.pk}"):
        assert found(query) == [str(failed.pk)]
    assert found("ordering=-created_at") == [str(queued.pk), str(failed.pk)]
    assert found("kind=vm.start") == []
    answer = admin_api.get("/api/v1/operations/?status=done")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "status")


def test_events_are_read_from_a_point_on(admin_api, failed):
    address = f"/api/v1/operations/{failed.pk}/events/"
    rows = admin_api.get(address).json()["results"]

    later = admin_api.get(f"{address}?after={rows[0]['seq']}").json()["results"]

    assert later == rows[1:]
    assert admin_api.get(f"{address}?after=x").status_code == 400


def test_a_retry_is_a_new_operation_that_names_the_old_one(admin_api, failed):
    answer = admin_api.post(f"/api/v1/operations/{failed.pk}/retry/")

    assert answer.status_code == 202
    assert answer.json()["retry_of"]["id"] == str(failed.pk)
    assert answer.headers["Location"] == answer.json()["url"]
    failed.refresh_from_db()
    assert failed.status == Status.FAILED


def test_what_succeeded_or_is_under_way_is_not_retried(admin_api, work):
    work(lambda ctx: None)
    operation = request()
    address = f"/api/v1/operations/{operation.pk}/retry/"
    assert admin_api.post(address).json()["type"] == "/problems/conflict/"

    execution.execute(operation.pk)

    assert admin_api.post(address).status_code == 409


def test_a_queued_operation_is_cancelled_at_once_and_only_once(admin_api, work):
    work(fails)
    operation = request()
    address = f"/api/v1/operations/{operation.pk}/cancel/"

    assert admin_api.post(address).json()["status"] == "cancelled"
    assert admin_api.post(address).status_code == 409
    execution.execute(operation.pk)
    operation.refresh_from_db()
    assert operation.status == Status.CANCELLED


def test_a_tenant_sees_what_befalls_its_own_and_neither_stops_nor_repeats_an_admins_work(
    contoso_api, fabrikam_api, auditor_api, anonymous_api, failed, people
):
    Operation.objects.filter(pk=failed.pk).update(tenant=people.contoso_tenant)
    address = f"/api/v1/operations/{failed.pk}/"

    assert contoso_api.get(address).status_code == 200
    assert contoso_api.post(f"{address}retry/").status_code == 403
    assert fabrikam_api.get(address).status_code == 404
    assert fabrikam_api.post(f"{address}retry/").status_code == 404
    assert auditor_api.post(f"{address}retry/").status_code == 403
    assert anonymous_api.get(address).status_code == 401

"""Many machines at once: what is asked for, what is refused and where, how it goes on."""

import csv
import io
from typing import Any

import pytest

from apps.attestation.models import Verdict
from apps.audit.models import AuditEntry
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.vms.deployments.models import Deployment, DeploymentBatch
from tests.vms.deployments.makers import GIB, KEYS, regular, shielded

pytestmark = pytest.mark.django_db
PATH = "/api/v1/deployments/batch/"
TABLE = "\ufeffName;ComputerName;@ProductKey@\r\nweb-01;WEB01;AAA\r\n\r\nweb-02;WEB02;=BBB\r\n"


def shared(body: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A deployment's body without what is each machine's own."""
    own = ("name", "host", "specialization")
    return {key: value for key, value in body.items() if key not in own} | more


def lines(number: int, **more: Any) -> list[dict[str, Any]]:
    return [{"name": f"web-{n:02}"} | more for n in range(1, number + 1)]


@pytest.fixture
def both_attested(fabric) -> None:
    Verdict.objects.update(status="Passed")


def ended(deployment: Deployment, status: str, code: str = "") -> None:
    error = {"code": code, "message": "=No.", "hint": "", "host_message": ""} if code else None
    Operation.objects.filter(pk=deployment.operation_id).update(status=status, error=error)
    Deployment.objects.filter(pk=deployment.pk).update(status=status)


def test_a_table_becomes_machines_spread_over_the_hosts_that_may_take_them(
    admin_api, fabric, disk, data, both_attested
):
    answer = admin_api.post(PATH, shared(shielded(fabric, disk, data), csv=TABLE))

    row = answer.json()
    assert answer.status_code == 202, row
    operation = Operation.objects.get(kind="deployment.batch")
    assert answer.headers["Location"] == f"/api/v1/operations/{operation.pk}/"
    assert [step["name"] for step in operation.steps] == ["web-01", "web-02"]
    assert [(one["name"], one["status"]) for one in row["rows"]] == [
        ("web-01", "queued"), ("web-02", "queued"),
    ]  # fmt: skip
    assert {one["host"]["name"] for one in row["rows"]} == {"alpha-1", "alpha-2"}
    first, second = Deployment.objects.order_by("batch_number")
    assert first.specialization == {"@ComputerName@": "WEB01", "@ProductKey@": "AAA"}
    assert second.specialization["@ProductKey@"] == "=BBB"
    assert admin_api.get(f"/api/v1/deployments/?batch={row['id']}").json()["count"] == 2


def test_values_are_in_no_answer_no_operation_and_not_in_the_log(admin_api, fabric, disk, data):
    values = {KEYS[0]: "WEB01", KEYS[1]: "S3CRET-KEY"}
    body = shared(shielded(fabric, disk, data), rows=lines(1, specialization=values))

    row = admin_api.post(PATH, body).json()

    told = admin_api.get(row["url"]).content + admin_api.get(f"{row['url']}results/").content
    told += str(list(Operation.objects.values("parameters", "steps", "result"))).encode()
    told += str(list(AuditEntry.objects.values())).encode()
    assert b"S3CRET" not in told


@pytest.mark.parametrize(
    ("rows", "field", "code"),
    [
        ([], "rows", "required"),
        (lines(101), "rows", "too-many"),
        ([{"name": "a/b"}], "rows[0].name", "invalid"),
        ([{"name": "web"}, {"name": "WEB"}], "rows[1].name", "taken"),
        ([{"name": "taken"}], "rows[0].name", "taken"),
        ([{"name": "web", "host": "nobody"}], "rows[0].host", "placement-refused"),
        ([{"name": "web", "host": "alpha-2"}], "rows[0].host", "placement-refused"),
        ([{"name": "web", "specialization": {KEYS[0]: "A"}}],
         f"rows[0].specialization.{KEYS[1]}", "required"),
        ([{"name": "web", "specialization": {KEYS[0]: "\x01", KEYS[1]: "B"}}],
         f"rows[0].specialization.{KEYS[0]}", "invalid"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_cell_and_nothing_is_made(
    admin_api, fabric, disk, data, rows, field, code
):
    admin_api.post("/api/v1/deployments/", regular(fabric, name="taken"))
    for row in rows:
        row.setdefault("specialization", dict.fromkeys(KEYS, "value"))
    body = shared(shielded(fabric, disk, data), rows=rows)

    answer = admin_api.post(PATH, body)
    tried = admin_api.post(f"{PATH}preflight/", body)

    found = [(one["field"], one["code"]) for one in answer.json()["errors"]]
    assert (field, code) in found
    assert answer.status_code in (400, 409)
    assert tried.status_code == 200 and not tried.json()["ok"]
    assert (field, code) in [(one["field"], one["code"]) for one in tried.json()["errors"]]
    assert not DeploymentBatch.objects.exists() and Deployment.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("ComputerName,ProductKey\nA,B", "names no column"),
        ("name,Colour\nweb,red", "no column “Colour”"),
        ("name,ComputerName,@ComputerName@\nweb,a,b", "twice"),
        ('name,ComputerName\n"web,A', "can’t be read"),
        ("name,ComputerName,ProductKey\nweb,A,B,C", "Line 2 has 4 cells"),
        ("name\n" + "x\n" * 101, "100 are the most"),
    ],
)
def test_a_text_that_is_no_table_is_refused_in_words(admin_api, fabric, disk, data, text, words):
    answer = admin_api.post(PATH, shared(shielded(fabric, disk, data), csv=text))

    assert answer.status_code == 400
    assert words in " ".join(one["message"] for one in answer.json()["errors"])


def test_memory_quota_and_space_are_counted_for_all_of_them(
    admin_api, contoso_api, fabric, disk, data, people
):
    values = dict.fromkeys(KEYS, "value")
    many = shared(shielded(fabric, disk, data), rows=lines(5, specialization=values))

    crowded = admin_api.post(PATH, many | {"memory_bytes": 12 * GIB})
    fabric.volumes.update(free_bytes=5 * GIB)
    full = admin_api.post(PATH, many)
    fabric.volumes.update(free_bytes=50 * GIB)
    people.contoso_tenant.quota_vms = 4
    people.contoso_tenant.save()
    over = contoso_api.post(PATH, many)

    assert crowded.status_code == 409
    assert [one["field"] for one in crowded.json()["errors"]] == [
        f"rows[{n}].host" for n in (2, 3, 4)
    ]
    assert (full.status_code, full.json()["type"]) == (507, "/problems/no-space/")
    assert (over.status_code, over.json()["type"]) == (413, "/problems/quota-exceeded/")
    assert contoso_api.post(PATH, many | {"rows": many["rows"][:4]}).status_code == 202


def test_the_same_key_makes_them_once_and_another_tenant_sees_none(
    contoso_api, fabrikam_api, auditor_api, fabric, disk, data
):
    rows = lines(2, specialization=dict.fromkeys(KEYS, "value"))
    body = shared(shielded(fabric, disk, data), rows=rows)

    first, second = (
        contoso_api.post(PATH, body, headers={"Idempotency-Key": "k1"}).json() for _ in range(2)
    )

    assert first["id"] == second["id"] and Deployment.objects.count() == 2
    assert fabrikam_api.get(first["url"]).status_code == 404
    assert fabrikam_api.post(PATH, body).status_code == 400, "the pair isn't there for them"
    assert auditor_api.get(first["url"]).status_code == 200
    assert auditor_api.post(PATH, body).status_code == 403


def test_a_cancel_before_it_began_takes_all_its_machines_with_it(admin_api, fabric, people):
    admin_api.post(PATH, shared(regular(fabric), rows=lines(3)))
    operation = Operation.objects.get(kind="deployment.batch")

    operations.cancel(actor=people.admin, operation=operation)

    assert {row.lasting_status for row in Deployment.objects.all()} == {"cancelled"}


def test_a_retry_does_only_those_that_failed(admin_api, fabric, people):
    row = admin_api.post(PATH, shared(regular(fabric), rows=lines(3))).json()
    operation = Operation.objects.get(kind="deployment.batch")
    machines = list(Deployment.objects.order_by("batch_number"))
    for machine, status in zip(machines, ("succeeded", "failed", "cancelled"), strict=True):
        ended(machine, status, "" if status == "succeeded" else "x")
    Operation.objects.filter(pk=operation.pk).update(status="failed")
    operation.refresh_from_db()

    again = operations.retry(actor=people.admin, operation=operation)

    assert [step["name"] for step in again.steps] == ["web-02", "web-03"]
    told = admin_api.get(row["url"]).json()
    assert [one["status"] for one in told["rows"]] == ["succeeded", "queued", "queued"]
    assert Operation.objects.filter(kind="deployment.deploy").count() == 5
    assert again.retry_of == operation


def test_results_are_a_table_without_formulas(admin_api, fabric):
    row = admin_api.post(PATH, shared(regular(fabric), rows=[{"name": "=web"}])).json()
    ended(Deployment.objects.get(), "failed", "x")

    answer = admin_api.get(f"{row['url']}results/")

    (told,) = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (told["name"], told["message"]) == ("'=web", "'=No.")
    assert (told["status"], told["host"], told["code"]) == ("failed", "alpha-1", "x")


def test_asking_for_a_hundred_costs_queries_in_proportion(
    admin_api, fabric, django_assert_max_num_queries
):
    fabric.hosts.update(memory_available_bytes=200 * GIB)
    with django_assert_max_num_queries(100 * 30):
        answer = admin_api.post(PATH, shared(regular(fabric), rows=lines(100)))

    assert answer.status_code == 202
    assert Deployment.objects.count() == 100

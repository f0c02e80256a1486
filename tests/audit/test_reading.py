"""Who reads the log, and that nobody writes it."""

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.audit.services import record

ENTRIES = "/api/v1/audit/entries/"


def write(actor: User, name: str, outcome: str = "done", **more: object) -> None:
    record(
        actor=actor,
        action="vm.start",
        target_kind="vm",
        target_id="1",
        target_name=name,
        outcome=outcome,
        **more,
    )


def names(answer: object) -> list[str]:
    return [row["target"]["name"] for row in answer.json()["results"]]


def test_an_auditor_reads_all_of_it_newest_first(auditor_api: APIClient, admin: User) -> None:
    write(admin, "a")
    write(admin, "b")

    answer = auditor_api.get(ENTRIES)

    assert names(answer) == ["b", "a"]
    assert answer.json()["results"][0]["actor"] == "admin"


def test_a_tenant_reads_its_own_acts_and_what_befell_its_machines(
    contoso_api: APIClient, contoso: User, fabrikam: User, admin: User
) -> None:
    write(contoso, "its own act")
    write(admin, "its machine", tenant_id=contoso.tenant_id)
    write(admin, "the fabric")
    write(fabrikam, "another tenant", tenant_id=fabrikam.tenant_id)

    assert names(contoso_api.get(ENTRIES)) == ["its machine", "its own act"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("outcome=failed", ["b"]),
        ("actor=ADMIN", ["b", "a"]),
        ("actor=nobody", []),
        ("action=vm.", ["b", "a"]),
        ("target=a", ["a"]),
        ("q=a", ["b", "a"]),
        ("ordering=index", ["a", "b"]),
        ("from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00Z", []),
    ],
)
def test_it_is_searched(auditor_api: APIClient, admin: User, query: str, found: list[str]) -> None:
    write(admin, "a")
    write(admin, "b", outcome="failed")

    assert names(auditor_api.get(f"{ENTRIES}?{query}")) == found


@pytest.mark.parametrize("query", ["outcome=maybe", "from=never", "ordering=hash"])
def test_what_no_filter_knows_is_refused_by_name(auditor_api: APIClient, query: str) -> None:
    answer = auditor_api.get(f"{ENTRIES}?{query}")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_nobody_writes_it(admin_api: APIClient, admin: User) -> None:
    write(admin, "a")

    for method, path in (("post", ENTRIES), ("patch", ENTRIES + "1/"), ("delete", ENTRIES + "1/")):
        assert getattr(admin_api, method)(path).status_code == 405

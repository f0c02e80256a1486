import csv
import datetime
import io
import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TransactionTestCase

from apps.attestation import history
from apps.attestation.models import Verdict, VerdictSpan
from apps.fabric.models import Cluster, Host
from tests.fabric.fixtures import api, refresh

START = datetime.datetime(2026, 11, 24, 9, 0, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)
INSECURE = ("InsecureHostConfiguration", ["CodeIntegrityPolicy", "SecureBoot"])


def make_host(name: str = "n1") -> Host:
    cluster, _ = Cluster.objects.get_or_create(
        name="c", defaults={"address": "c", "port": 1, "use_tls": False}
    )
    return Host.objects.create(cluster=cluster, name=name, state="up")


def see(host: Host, minute: float, status: str = "Passed", sub: list[str] | None = None) -> None:
    history.observed(host, START + minute * MINUTE, {"status": status, "sub_status": sub or []})


def spans(host: Host) -> list[tuple[str, int, float, float]]:
    """Status or gap, observations, first and last seen in minutes; oldest first."""
    return [
        (
            span.status or span.kind,
            span.observations,
            (span.first_seen - START) / MINUTE,
            (span.last_seen - START) / MINUTE,
        )
        for span in VerdictSpan.objects.filter(host_key=host.pk).order_by("first_seen", "last_seen")
    ]


@pytest.mark.django_db
def test_what_stays_the_same_costs_no_row_and_what_changes_costs_one():
    host = make_host()
    for minute in range(3):
        see(host, minute)
    see(host, 3, *INSECURE)
    see(host, 4)

    assert spans(host) == [
        ("Passed", 3, 0, 2),
        ("InsecureHostConfiguration", 1, 3, 3),
        ("Passed", 1, 4, 4),
    ]
    verdict = Verdict.objects.get()
    assert (verdict.since, verdict.last_seen) == (START + 4 * MINUTE, START + 4 * MINUTE)


@pytest.mark.django_db
def test_a_failed_reading_is_a_gap_from_the_last_that_was_seen_and_grows():
    host = make_host()
    see(host, 0)
    history.missed(host, START + 1 * MINUTE, "It doesn’t answer.")
    history.missed(host, START + 2 * MINUTE, "It doesn’t answer.")
    see(host, 3)

    assert spans(host) == [("Passed", 1, 0, 0), ("gap", 0, 0, 3), ("Passed", 1, 3, 3)]


@pytest.mark.django_db
def test_a_silence_longer_than_three_intervals_is_a_gap_even_if_nothing_changed():
    host = make_host()
    see(host, 0)
    see(host, 3)
    see(host, 60)

    assert spans(host) == [("Passed", 2, 0, 3), ("gap", 0, 3, 60), ("Passed", 1, 60, 60)]


@pytest.mark.django_db
def test_what_comes_late_is_left_out():
    host = make_host()
    see(host, 5)
    see(host, 4, *INSECURE)
    history.missed(host, START, "late")

    assert spans(host) == [("Passed", 1, 5, 5)]


class Rules(TransactionTestCase):
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(
            st.tuples(
                st.integers(-1, 9), st.sampled_from(["Passed", "Expired", "TpmError", "missed"])
            ),
            max_size=25,
        )
    )
    def test_spans_never_overlap_whatever_the_order_of_readings(self, events) -> None:
        host = make_host(f"h{VerdictSpan.objects.count()}-{Host.objects.count()}")
        minute = 0
        for step, what in events:
            minute += step
            if what == "missed":
                history.missed(host, START + minute * MINUTE, "missed")
            else:
                see(host, minute, what)

        rows = spans(host)
        assert all(first <= last for _, _, first, last in rows)
        assert all(one[3] <= two[2] for one, two in itertools.pairwise(rows))
        assert all(one[0] != two[0] for one, two in itertools.pairwise(rows))
        assert VerdictSpan.objects.filter(host_key=host.pk, current=True).count() == bool(rows)


@pytest.mark.django_db(transaction=True)
def test_readings_at_the_same_time_begin_one_span():
    host = make_host()
    now = timezone.now()

    def write(number: int) -> None:
        at = now + datetime.timedelta(milliseconds=number)
        history.observed(host, at, {"status": "Passed", "sub_status": []})
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))

    span = VerdictSpan.objects.get()
    assert span.observations <= 40 and span.last_seen >= span.first_seen


@pytest.mark.django_db(transaction=True)
def test_the_worlds_verdicts_are_told_with_words_and_a_fix(cluster, lab, folk):
    rows = {
        row["host"]["name"]: row
        for row in api(folk.auditor).get("/api/v1/attestation/verdicts/").json()["results"]
    }

    assert {name: row["status"] for name, row in rows.items()} == {
        "alpha-1": "Passed",
        "alpha-2": "Passed",
        "alpha-3": "InsecureHostConfiguration",
    }
    failing = rows["alpha-3"]
    assert failing["sub_status"] == ["BitLocker", "SecureBoot"]
    assert "Secure Boot is off" in failing["summary"] and "UEFI" in failing["fix"]
    host = api(folk.auditor).get(f"/api/v1/hosts/{failing['host']['id']}/").json()
    assert host["attestation"]["status"] == failing["status"]
    assert host["attestation"]["checked_at"] == failing["last_seen"]
    assert api(folk.contoso).get("/api/v1/attestation/verdicts/").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_a_verdict_that_flips_twice_makes_two_spans_and_the_filters_find_them(cluster, lab, folk):
    client = api(folk.auditor)
    for status, sub in (INSECURE, ("Passed", [])):
        lab.host("alpha-1", attestation={"status": status, "sub_status": sub})
        refresh(cluster, folk.admin)
    host = Host.objects.get(name="alpha-1")

    def found(query: str) -> list[dict]:
        return client.get(f"/api/v1/attestation/history/?{query}").json()["results"]

    told = found(f"host={host.pk}&ordering=first_seen")
    assert [span["status"] for span in told] == ["Passed", INSECURE[0], "Passed"]
    assert told[1]["sub_status"] == INSECURE[1]
    middle = found(f"host={host.pk}&from={told[1]['first_seen']}&to={told[1]['last_seen']}")
    assert [span["status"] for span in middle] == [INSECURE[0]]
    assert found("to=2001-01-01T00:00:00Z") == []
    assert {span["host"]["name"] for span in found("status=InsecureHostConfiguration")} == {
        "alpha-1",
        "alpha-3",
    }
    assert len(found("cluster=alpha")) == 5
    for field, query in (("from", "from=yesterdayish"), ("status", "status=Fine")):
        answer = client.get(f"/api/v1/attestation/history/?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


@pytest.mark.django_db
def test_exports_hold_every_span_and_no_cell_that_a_spreadsheet_runs(folk):
    host = make_host("=cmd|' /C calc'!A0")
    see(host, 0, *INSECURE)
    see(host, 1)
    client = api(folk.auditor)

    def body(format_: str) -> str:
        answer = client.get(f"/api/v1/attestation/history/export/?format={format_}")
        assert answer.status_code == 200
        return b"".join(answer.streaming_content).decode()

    rows = list(csv.DictReader(io.StringIO(body("csv"))))
    assert len(rows) == len(json.loads(body("json"))) == 2
    assert {row["host"] for row in rows} == {"'=cmd|' /C calc'!A0"}
    assert rows[1]["sub_status"] == "CodeIntegrityPolicy SecureBoot"
    assert client.get("/api/v1/attestation/history/export/?format=pdf").status_code == 400
    assert api(folk.contoso).get("/api/v1/attestation/history/export/").status_code == 403

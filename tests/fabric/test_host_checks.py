"""`manage.py check_host` on the lab over real WinRM: nothing differs, until something does."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.fabric.host_checks import sessions
from apps.fabric.host_checks.catalogue import catalogue
from apps.fabric.host_checks.jobs import is_private
from apps.fabric.host_checks.quotas import is_enough
from apps.fabric.host_checks.readings import cluster_gaps, host_gaps, strange_words
from apps.fabric.models import Cluster
from apps.remoting.errors import TimedOut
from apps.remoting.pool import POOL
from tests.fabric.fixtures import RunningLab
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
PAUSE = "0.2"
over_sockets = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_sessions() -> Iterator[None]:
    yield
    POOL.close()


def checked(name: str) -> tuple[int, list[dict[str, Any]]]:
    """The command's exit code and document."""
    out, code = StringIO(), 0
    try:
        call_command("check_host", name, "--json", "--pause", PAUSE, stdout=out)
    except SystemExit as end:
        code = int(str(end.code))
    return code, json.loads(out.getvalue())


def differing(document: dict[str, Any], status: str = "differs") -> dict[str, str]:
    return {row["id"]: row["found"] for row in document["checks"] if row["status"] == status}


@over_sockets
def test_nothing_differs_on_the_hosts_of_the_lab_and_nothing_is_left_there(
    cluster: Cluster, lab: RunningLab
) -> None:
    code, documents = checked(cluster.name)

    assert {one["host"]: differing(one) for one in documents} == {
        "alpha-1": {}, "alpha-2": {}, "alpha-3": {},
    }  # fmt: skip
    assert [row["id"] for row in documents[0]["checks"]] == [one.id for one in catalogue()]
    assert {row["status"] for one in documents for row in one["checks"]} == {"ok"}
    assert (code, documents[0]["ok"]) == (0, True)
    world = next(Path(lab.facts["ca_certificate"]).parents[2].rglob("world.json"))
    wait_for(lambda: json.loads(world.read_text())["jobs"] == {}, "no job is left")


@over_sockets
def test_what_a_host_lacks_or_grants_too_little_of_is_named(
    cluster: Cluster, lab: RunningLab
) -> None:
    lab.host(
        "alpha-2",
        lacks=["Get-HgsTrace", "Stop-VM -TurnOff", "root/msps/msps_provisioningfileprocessor"],
        winrm_settings={"MaxShellsPerUser": 5, "MaxMemoryPerShellMB": 0},
    )

    code, (document,) = checked("ALPHA/alpha-2")

    found = differing(document)
    assert (code, document["ok"], sorted(found)) == (
        1,
        False,
        ["classes", "commands", "quota-shells"],
    )
    assert found["commands"] == (
        "HgsDiagnostics: Get-HgsTrace is missing; Hyper-V: Stop-VM has no -TurnOff"
    )
    assert found["classes"] == "root/msps:Msps_ProvisioningFileProcessor: Not found"
    assert found["quota-shells"] == "MaxShellsPerUser is 5"
    assert not differing(document, "not tried")


@over_sockets
def test_scripts_that_a_host_refuses_are_told_in_its_words_and_the_rest_goes_on(
    cluster: Cluster, lab: RunningLab
) -> None:
    faults = [
        {"on": name, "kind": "error", "message": "Access is denied."}
        for name in ("Get-HostQuotas", "Start-HostJob", "Get-HgsClientConfiguration")
    ]
    lab.host("alpha-1", faults=faults)

    _, (document,) = checked("alpha-1")

    found = differing(document)
    quotas = [one.id for one in catalogue() if one.id.startswith("quota-")]
    jobs = ["job-outlives", "job-private", "job-command-line"]
    assert sorted(found) == sorted([*quotas, *jobs, "host-inventory"])
    assert all("Access is denied." in words for words in found.values())


@over_sockets
def test_without_a_way_in_nothing_else_is_tried(cluster: Cluster, lab: RunningLab) -> None:
    lab.host("alpha-1", power="off")

    code, (document,) = checked("alpha-1")

    assert code == 1
    assert set(differing(document)) == {"way-in", "ways-offered"}
    assert len(differing(document, "not tried")) == len(catalogue()) - 2


@over_sockets
def test_a_session_that_is_not_what_it_should_be_is_told(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if Windows had wrapped up each call in a process of its own, and lost letters."""
    real = sessions.ask
    calls = iter(range(1, 1000))

    def ask(session: Any, name: str, parameters: Any, **more: Any) -> Any:
        told = real(session, name, parameters, **more)
        if name == "Get-SessionEcho":
            text = told["text"].encode("ascii", "replace").decode()
            told |= {"process_id": next(calls), "text": text}
        return told

    monkeypatch.setattr(sessions, "ask", ask)

    _, (document,) = checked("alpha-1")

    found = differing(document)
    assert {"warm-process", "warm-pause", "unicode", "large-answer"} <= set(found)
    assert "Zo?" in found["unicode"]
    row = next(row for row in document["checks"] if row["id"] == "unicode")
    assert row["row"] == "docs/windows.md, Warm sessions: unicode"


@over_sockets
def test_a_host_whose_sessions_do_not_stay_warm_is_checked_all_the_same(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if Windows handed standard input over only once it has ended."""
    real = sessions.ask

    def ask(session: Any, name: str, parameters: Any, **more: Any) -> Any:
        if session.endpoint.keeps_powershell:
            raise TimedOut("No answer came.")
        return real(session, name, parameters, **more)

    monkeypatch.setattr(sessions, "ask", ask)
    monkeypatch.setattr(sessions, "_CUT_WITH_START", sessions._CUT)

    _, (document,) = checked("alpha-1")

    warm = {"warm-process", "warm-memory", "warm-pause"}
    assert differing(document) == dict.fromkeys(warm, "No answer came.")
    assert not differing(document, "not tried")


@over_sockets
def test_for_people_it_prints_a_line_each_and_what_was_expected(
    cluster: Cluster, lab: RunningLab
) -> None:
    lab.host("alpha-3", winrm_settings={"IdleTimeout": 60000})
    out = StringIO()

    with pytest.raises(SystemExit):
        call_command("check_host", "alpha-3", "--pause", PAUSE, stdout=out)

    said = out.getvalue()
    assert re.search(r"differs +quota-idle .*IdleTimeout is 60000\n +expected: 900000 ms", said)
    assert f"  {len(catalogue()) - 1} ok, 1 differs, 0 not tried" in said


@pytest.mark.django_db
def test_a_name_that_nobody_has_is_refused() -> None:
    with pytest.raises(CommandError, match="No host and no cluster is named nobody"):
        call_command("check_host", "nobody")


def test_the_list_in_the_documents_and_the_checks_agree() -> None:
    section, listed, hand = "", [], 0
    for line in (ROOT / "docs/windows.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells or cells[0] in ("check", "---"):
            continue
        assert len(cells) == 4, line
        assert all(cells), line
        if cells[0] == "by hand":
            hand += 1
        else:
            listed.append((section, cells[0].strip("`")))

    assert listed == [(one.section, one.id) for one in catalogue()]
    assert hand > 0


@pytest.mark.parametrize(
    ("sddl", "private"),
    [
        ("O:BAG:SYD:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)", True),
        ("O:S-1-5-32-544G:DUD:P(A;OICI;FA;;;S-1-5-18)", True),
        ("O:BAG:SYD:AI(A;OICIID;FA;;;BA)", False),
        ("O:BUG:SYD:PAI(A;OICI;FA;;;BA)", False),
        ("O:BAG:SYD:PAI(A;OICI;FA;;;BA)(A;;FR;;;BU)", False),
        ("O:BAG:SYD:PAI(D;OICI;FA;;;BA)", False),
        ("O:BAG:SYD:P", False),
        ("O:BAG:SYD:NO_ACCESS_CONTROL", False),
        ("", False),
    ],
)
def test_a_private_folder_is_one_that_nobody_else_has_a_right_to(sddl: str, private: bool) -> None:
    assert is_private(sddl) is private


@pytest.mark.parametrize(
    ("granted", "enough"),
    [(10, True), (9, False), (0, True), (None, False), ("10", False), (2147483647, True)],
)
def test_a_quota_is_enough_when_it_grants_as_much_or_has_no_limit(
    granted: Any, enough: bool
) -> None:
    assert is_enough(granted, 10) is enough


HOST: dict[str, Any] = {
    "host": {
        "processors": 4, "memory_bytes": 1, "memory_available_bytes": 1, "os": "Windows",
        "os_version": "10.0", "booted_at": "2026-01-01T00:00:00Z",
    },
    "attestation": {"mode": "HostGuardianService", "operation_mode": "Tpm", "status": "Passed",
                    "sub_status": []},
    "switches": [{"name": "s", "type": "External"}],
    "vms": [{"vm_id": "1", "name": "v", "state": "Running", "protection": "None"}],
}  # fmt: skip
CLUSTER: dict[str, Any] = {
    "cluster": {},
    "nodes": [{"name": "n", "fqdn": "n.x", "state": "Up", "drain": "NotInitiated",
               "addresses": ["10.0.0.1"]}],
    "groups": [{"name": "g", "vm_id": "1", "state": "Online"}],
    "volumes": [],
    "faults": [],
}  # fmt: skip


def test_gaps_and_numbers_in_readings_are_named() -> None:
    assert not [*host_gaps(HOST), *cluster_gaps(CLUSTER), *strange_words(HOST, CLUSTER)]
    host, cluster = copy.deepcopy(HOST), copy.deepcopy(CLUSTER)
    host["host"]["memory_bytes"] = None
    host["vms"][0] |= {"state": "2", "protection": "Unknown"}
    cluster["nodes"][0] |= {"state": "Isolated", "addresses": ["fe80::1"]}
    cluster["groups"][0]["vm_id"] = None

    assert list(host_gaps(host)) == ["the host's memory_bytes", "the protection of v"]
    assert list(cluster_gaps(cluster)) == ["address of node n", "the machine of role g"]
    assert list(strange_words(host, cluster)) == [
        "state of v is “2”", "state of node n is “Isolated”",
    ]  # fmt: skip

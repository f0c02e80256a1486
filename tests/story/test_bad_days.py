"""Processes that are killed at the worst moment, on one running demo.

Each time: what was asked for ends in a definite state, the lab's world and the portal's rows agree,
nothing is lost and nothing done twice.
"""

import hashlib
import os
import re
import signal
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.redis_server import RedisServer
from tests.story import demo as demos
from tests.story.people import Person
from tests.waiting import wait_for

GIB, MIB = 1 << 30, 1 << 20
TENANT_VERBS = {
    "virtual-machines": ["GET ", "DELETE ", "POST start/", "POST console/", "GET capabilities/"],
    "template-disks": ["GET ", "DELETE ", "GET content/"],
    "shielding-data": ["GET ", "DELETE ", "GET content/"],
    "uploads": ["GET ", "DELETE "],
    "operations": ["GET ", "POST cancel/", "POST retry/", "GET events/"],
}
WEB, WORKER, LAB = "manage.py serve", "--queues operations", "manage.py lab"


@pytest.fixture(scope="module")
def pair(demo: demos.Demo) -> dict[str, Any]:
    """A tenant's template disk and shielding data that fit, brought in and looked at."""
    sample = next(s for s in demo.facts["samples"] if s["applies"] and s["tenant"] == "contoso")
    contoso = Person(demo, "contoso")
    for kind in ("template-disk", "shielding-data"):
        path = Path(sample[kind.replace("-", "_")])
        upload = contoso.client.begin(path.stat().st_size, path.name, kind).headers["Location"]
        assert contoso.client.chunk(upload, 0, path.read_bytes()).status == 204
    rows = wait_for(
        lambda: contoso.get("library/pairs/?applicable=true")["results"], "the pair", 60
    )
    return sample | {key: rows[0][key]["id"] for key in ("template_disk", "shielding_data")}


def alter(demo: demos.Demo, host: str, **changes: Any) -> None:
    demo.lab("POST", f"/hosts/{host}", changes)


def vms(demo: demos.Demo, name: str) -> list[dict[str, Any]]:
    """Every VM of that name that there really is."""
    clusters = demo.lab("GET", "/state")["clusters"]
    return [vm for cluster in clusters for vm in cluster["vms"] if vm["name"] == name]


def calls(demo: demos.Demo, script: str) -> int:
    return int(demo.lab("GET", "/state")["calls"]["scripts"].get(script, 0))


def agree(demo: demos.Demo, admin: Person) -> None:
    """After a reading the portal's rows are what the world holds, one for one."""
    for cluster in admin.get("clusters/")["results"]:
        admin.succeeded(admin.asked(cluster["url"] + "refresh/"))
    rows = admin.get("virtual-machines/?limit=1000")["results"]
    world = [vm for c in demo.lab("GET", "/state")["clusters"] for vm in c["vms"]]
    assert sorted((r["vm_id"], r["name"], r["host"]["name"], r["state"]) for r in rows) == sorted(
        (vm["id"], vm["name"], vm["node"], vm["state"].lower()) for vm in world
    )


def body_of(admin: Person, name: str, host: str, **more: Any) -> dict[str, Any]:
    """A regular VM on hci01."""
    return {
        "name": name,
        "cluster": admin.row("clusters", "hci01")["id"],
        "host": admin.row("hosts", host)["id"],
        "volume": admin.row("volumes", "Volume1")["id"],
        "virtual_switch": admin.row("virtual-switches", "Tenants")["id"],
        "processors": 1,
        "memory_bytes": GIB,
        "disk_size_bytes": GIB,
        **more,
    }


def signed_in_page(demo: demos.Demo, person: Person) -> str:
    """What a browser shows after the sign-in form was sent; a refusal included, with 503."""
    plain = {"Authorization": None, "Accept": "text/html"}
    form = person.client.send("GET", "/sign-in/", **plain)
    cookie = form.headers["Set-Cookie"].partition(";")[0]
    token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', form.body)
    assert form.status == 200 and token
    told = {"csrfmiddlewaretoken": token[1].decode(), **demo.user("admin")}
    answer = person.client.send(
        "POST", "/sign-in/", urlencode(told, quote_via=quote).encode(), Cookie=cookie,
        Content_Type="application/x-www-form-urlencoded", **plain,
    )  # fmt: skip
    assert answer.status == 503, answer.body
    return answer.body.decode()


def killed(demo: demos.Demo, words: str) -> None:
    """Kills the process with -9 and waits for the one that follows it."""
    [before] = demo.processes(words)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: demo.processes(words) not in ([], [before]), f"another “{words}”", 20)


def test_a_worker_killed_amid_a_start_and_a_deployment_is_followed_by_one_that_ends_both(
    demo: demos.Demo, admin: Person, pair: dict[str, Any]
) -> None:
    alter(demo, "hci01-n3", latency_ms=4000)
    alter(demo, "hci01-n1", latency_ms=700)
    body = body_of(
        admin, "bad-01", "hci01-n1", template_disk=pair["template_disk"],
        shielding_data=pair["shielding_data"], disk_size_bytes=None,
        specialization=dict.fromkeys(pair["substitutions"], "BAD01"),
    )  # fmt: skip
    deployment = admin.asked("deployments/", body)
    wait_for(lambda: "Create" in admin.running_step(deployment), "the VM's creation", 40)
    start = admin.asked(admin.row("virtual-machines", "app-03")["url"] + "start/")
    assert admin.running_step(start) and admin.running_step(deployment)

    killed(demo, WORKER)
    alter(demo, "hci01-n3", latency_ms=0)
    alter(demo, "hci01-n1", latency_ms=0)

    for operation in (start, deployment):
        assert {step["status"] for step in admin.succeeded(operation)["steps"]} == {"succeeded"}
    [made] = vms(demo, "bad-01")
    assert (made["state"], made["protection"], made["clustered"]) == ("Running", "Shielded", True)
    assert [vm["state"] for vm in vms(demo, "app-03")] == ["Running"]
    assert admin.row("virtual-machines", "bad-01")["protection"] == "shielded"
    assert admin.row("deployments", "bad-01")["leftovers"] == []
    agree(demo, admin)


def test_a_portal_without_redis_answers_and_does_the_work_when_redis_is_back(
    demo: demos.Demo, admin: Person, redis: RedisServer
) -> None:
    machine, contoso = admin.row("virtual-machines", "build-01"), Person(demo, "contoso")
    upload = contoso.client.begin(5, "five.iso", "iso").headers["Location"]
    redis.kill()

    operation = admin.asked(machine["url"] + "start/")
    assert admin.get(operation)["status"] == "queued"
    assert admin.client.send("GET", "/health/ready/").status == 503
    assert admin.client.send("GET", "/health/live/").status == 200
    for path in ("clusters/", "virtual-machines/", "operations/", "audit/entries/", "me/"):
        admin.get(path)
    refused = [
        admin.client.send("POST", admin.row("virtual-machines", "app-04")["url"] + "console/", b""),
        contoso.client.chunk(upload, 0, b"12345"),
        admin.client.send("GET", "/metrics/"),
    ]
    assert {(answer.status, answer.slug) for answer in refused} == {(503, "unavailable")}
    assert "Redis server doesn’t answer" in signed_in_page(demo, admin)
    redis.start()

    admin.succeeded(operation)
    assert [vm["state"] for vm in vms(demo, "build-01")] == ["Running"]
    wait_for(lambda: _ready(admin), "readiness", 40)
    assert contoso.client.chunk(upload, 0, b"12345").status == 204


def test_a_lab_killed_amid_a_call_ends_the_work_in_words_and_keeps_its_world(
    demo: demos.Demo, admin: Person
) -> None:
    alter(demo, "hci01-n2", latency_ms=4000)
    machine = admin.row("virtual-machines", "sccm-01")
    operation = admin.asked(machine["url"] + "start/")
    admin.running_step(operation)
    before = demo.lab("GET", "/state")["clusters"]

    killed(demo, LAB)

    assert admin.ended(operation)["status"] == "errored"
    wait_for(lambda: _answers(demo), "the lab", 40)
    assert demo.lab("GET", "/state")["clusters"] == before
    alter(demo, "hci01-n2", latency_ms=0)
    admin.succeeded(admin.asked(operation + "retry/"))
    assert [vm["state"] for vm in vms(demo, "sccm-01")] == ["Running"]
    agree(demo, admin)


def _answers(demo: demos.Demo) -> bool:
    with suppress(OSError):
        return bool(demo.lab("GET", "/state"))
    return False


def test_an_upload_goes_on_where_it_was_when_the_web_process_was_killed(demo: demos.Demo) -> None:
    contoso = Person(demo, "contoso")
    content = os.urandom(6 * MIB)
    upload = contoso.client.begin(len(content), "cut.iso", "iso").headers["Location"]
    contoso.client.chunk(upload, 0, content[:MIB])
    link = contoso.client.half(upload, MIB, 4 * MIB, content[MIB : 3 * MIB])
    file = next(
        path for path in demo.folder.rglob("*")
        if path.is_file() and path.stat().st_size in range(MIB, 4 * MIB)
        and path.read_bytes()[:1000] == content[:1000]
    )  # fmt: skip
    wait_for(lambda: file.stat().st_size >= 2 * MIB, "the bytes of the second chunk")

    killed(demo, WEB)
    link.close()
    wait_for(lambda: _ready(contoso), "the portal", 40)

    at = contoso.client.offset(upload)
    assert MIB <= at <= 3 * MIB
    # The dead process' right to write lapses; until then another writer is told to wait (423).
    wait_for(lambda: contoso.client.chunk(upload, at, content[at:]).status == 204, "its turn", 30)
    row = wait_for(
        lambda: (r := contoso.client.row(upload))["status"] == "complete" and r, "its end", 40
    )
    assert row["sha256"] == hashlib.sha256(content).hexdigest()


def _ready(person: Person) -> bool:
    with suppress(OSError):
        return person.client.send("GET", "/health/ready/").status == 200
    return False


@pytest.mark.parametrize("name", ["$(calc) `n; 'x' & #", "ä" * 100], ids=["syntax", "long"])
def test_a_deployment_that_failed_is_made_by_its_retry_under_any_name(
    demo: demos.Demo, admin: Person, name: str
) -> None:
    broken = {"on": "Add-ClusterVirtualMachineRole", "kind": "error", "message": "No.", "times": 1}
    alter(demo, "hci01-n2", faults=[broken])
    failed = admin.ended(admin.asked("deployments/", body_of(admin, name, "hci01-n2")))
    assert (failed["status"], failed["error"]["host_message"]) == ("failed", "No.")

    admin.succeeded(admin.asked(failed["url"] + "retry/"))

    [made] = vms(demo, name)
    assert (made["state"], made["clustered"]) == ("Running", True)
    assert admin.row("deployments", name)["leftovers"] == []


def test_a_tenant_that_guesses_ids_hears_what_it_hears_of_ids_that_are_not_there(
    demo: demos.Demo, admin: Person, pair: dict[str, Any]
) -> None:
    """Rows of contoso, asked for by fabrikam; every verb, with the answers compared."""
    fabrikam = Person(demo, "fabrikam").client
    contoso = Person(demo, "contoso")
    addresses = [
        (row["url"], verb)
        for noun, verbs in TENANT_VERBS.items()
        for row in contoso.get(f"{noun}/?limit=1")["results"]
        for verb in verbs
    ]
    assert len({url for url, _ in addresses}) == len(TENANT_VERBS)

    def answer(url: str, verb: str) -> tuple[int, dict[str, Any]]:
        method, _, tail = verb.partition(" ")
        told = fabrikam.send(method, url + tail, b"" if method != "GET" else None)
        return told.status, {k: v for k, v in told.json.items() if k != "instance"}

    for url, verb in addresses:
        nobodys = url.rstrip("/").rsplit("/", 1)[0] + f"/{uuid.uuid4()}/"
        assert answer(url, verb) == answer(nobodys, verb), (url, verb)
        assert answer(url, verb)[0] in (404, 405), (url, verb)


def test_of_many_clicks_at_once_one_is_done_and_the_others_hear_of_it(
    demo: demos.Demo, admin: Person
) -> None:
    machine = admin.row("virtual-machines", "till-02")
    alter(demo, machine["host"]["name"], latency_ms=1000)
    before = calls(demo, "Set-VMPowerState")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: admin.post(machine["url"] + "start/"), range(8)))
    alter(demo, machine["host"]["name"], latency_ms=0)

    [first] = [answer for answer in answers if answer.status == 202]
    others = [answer.json for answer in answers if answer is not first]
    assert {row["type"] for row in others} == {"/problems/operation-active/"}
    assert {row["operation"]["url"] for row in others} == {first.headers["Location"]}
    admin.succeeded(first.headers["Location"])
    assert calls(demo, "Set-VMPowerState") == before + 1

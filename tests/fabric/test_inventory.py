import datetime

import pytest
from django.utils import timezone

from apps.fabric import inventory, locks
from apps.fabric.models import Cluster, HealthFault, Host, VirtualSwitch, Volume
from apps.operations.choices import Status
from tests.fabric.fixtures import api, execute, refresh
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_cluster_that_is_added_shows_what_the_world_holds(cluster, lab, folk):
    world = lab.control("GET", "/state")["clusters"][0]

    hosts = {host.name: host for host in Host.objects.all()}
    assert set(hosts) == {node["name"] for node in world["nodes"]}
    assert {host.state for host in hosts.values()} == {"up"}
    assert {host.memory_bytes for host in hosts.values()} == {64 * 2**30}
    assert all(host.freshness == "live" and host.address for host in hosts.values())
    volumes = {volume.name: volume.size_bytes for volume in Volume.objects.all()}
    assert volumes == {one["name"]: one["size_bytes"] for one in world["volumes"]}
    switches = VirtualSwitch.objects.order_by("name")
    assert [(one.name, one.type, one.hosts.count()) for one in switches] == [
        ("Inner", "private", 3),
        ("Wide", "external", 3),
    ]
    row = api(folk.auditor).get("/api/v1/clusters/").json()["results"][0]
    assert (row["nodes_up"], row["nodes_total"], row["freshness"]) == (3, 3, "live")
    assert HealthFault.objects.count() == HealthFault.objects.filter(cluster=cluster).count()


def test_a_refresh_shows_what_is_true_after_it_was_asked_for(cluster, lab, folk):
    before = {host.pk: host.observed_at for host in Host.objects.all()}

    operation = refresh(cluster, folk.admin)

    assert operation.status == Status.SUCCEEDED, operation.error
    assert operation.result == {"hosts_read": 3, "hosts_missed": {}, "virtual_machines": 2}
    for host in Host.objects.all():
        assert host.observed_at > max(before[host.pk], operation.created_at)
    assert Volume.objects.earliest("observed_at").observed_at > operation.created_at


def test_a_host_that_is_powered_off_is_down_and_says_why_and_comes_back(cluster, lab, folk):
    lab.host("alpha-1", power="off")
    operation = refresh(cluster, folk.admin)

    host = Host.objects.get(name="alpha-1")
    assert operation.status == Status.SUCCEEDED
    assert (host.state, host.failing_since is not None) == ("down", True)
    assert "reports it down" in host.problem
    assert list(operation.result["hosts_missed"]) == ["alpha-1"]
    since = host.failing_since

    lab.host("alpha-1", power="on")
    wait_for(lambda: refresh(cluster, folk.admin) and _up("alpha-1"), "the host is up", 20)
    host.refresh_from_db()
    assert (host.problem, host.failing_since, since is not None) == ("", None, True)


def _up(name: str) -> bool:
    host = Host.objects.get(name=name)
    return host.state == "up" and host.freshness == "live"


def test_a_host_that_answers_garbage_fails_alone_and_keeps_what_was_known(cluster, lab, folk):
    fault = {"on": "Get-HostInventory", "kind": "garbage"}
    lab.host("alpha-2", faults=[fault])

    operation = refresh(cluster, folk.admin)

    host = Host.objects.get(name="alpha-2")
    assert operation.status == Status.SUCCEEDED
    assert (host.state, host.freshness) == ("up", "stale")
    assert host.problem and host.memory_bytes == 64 * 2**30
    assert Host.objects.filter(failing_since=None).count() == 2
    assert VirtualSwitch.objects.get(name="Wide").hosts.count() == 3


def test_a_cluster_that_does_not_answer_is_errored_and_its_rows_say_so(cluster, lab, folk):
    for host in Host.objects.all():
        lab.host(host.name, power="off")

    operation = refresh(cluster, folk.admin)

    cluster.refresh_from_db()
    assert (operation.status, operation.error["code"]) == (Status.ERRORED, "unreachable")
    assert cluster.problem and cluster.failing_since
    assert cluster.freshness == "stale"
    assert all(host.problem for host in Host.objects.all())


def test_rows_that_are_gone_are_removed(cluster, folk):
    Host.objects.create(cluster=cluster, name="evicted")
    Volume.objects.create(cluster=cluster, name="deleted")
    VirtualSwitch.objects.create(cluster=cluster, name="removed")

    refresh(cluster, folk.admin)

    assert not Host.objects.filter(name="evicted").exists()
    assert not Volume.objects.filter(name="deleted").exists()
    assert not VirtualSwitch.objects.filter(name="removed").exists()


def test_one_reading_at_a_time_and_a_lock_is_free_again_afterwards(cluster):
    with locks.reading(cluster.pk), pytest.raises(locks.Busy), locks.reading(cluster.pk):
        pass
    with locks.reading(cluster.pk, wait_seconds=1):
        assert inventory.read_cluster(cluster).virtual_machines == 2


def test_a_reading_costs_the_same_few_queries_for_any_number_of_hosts(
    cluster, django_assert_max_num_queries
):
    told = {"cluster": {"domain": "x"}, "volumes": [], "faults": [], "nodes": [
        {"name": f"n{number}", "state": "Up", "drain": "NotInitiated", "addresses": ["10.0.0.1"]}
        for number in range(200)
    ]}  # fmt: skip
    from apps.fabric.inventory import applying

    applying.apply(cluster, told, timezone.now(), {})
    with django_assert_max_num_queries(25):
        applying.apply(cluster, told, timezone.now(), {})


def test_a_drain_moves_the_machines_and_the_row_follows_and_resume_takes_it_back(
    cluster, lab, folk
):
    client = api(folk.admin)
    host = Host.objects.get(name="alpha-2")

    answer = client.post(f"/api/v1/hosts/{host.pk}/drain/")
    assert answer.status_code == 202 and "/operations/" in answer["Location"]
    operation = execute(_operation(answer))

    assert operation.status == Status.SUCCEEDED, operation.error
    row = client.get(f"/api/v1/hosts/{host.pk}/").json()
    assert (row["state"], row["drain"]) == ("paused", "completed")
    machines = lab.control("GET", "/state")["clusters"][0]["vms"]
    assert [vm["node"] for vm in machines if vm["name"] == "secret"] != ["alpha-2"]
    again = client.post(f"/api/v1/hosts/{host.pk}/drain/")
    assert again.status_code == 409 and "state-forbids" in again.json()["type"]

    operation = execute(_operation(client.post(f"/api/v1/hosts/{host.pk}/resume/")))
    host.refresh_from_db()
    assert (operation.status, host.state) == (Status.SUCCEEDED, "up")


def _operation(answer):
    from apps.operations.models import Operation

    return Operation.objects.get(pk=answer.json()["id"])


def test_a_host_whose_clock_is_hours_off_was_started_and_seen_when_it_was(cluster, folk, lab):
    before = Host.objects.get(name="alpha-1")
    lab.host("alpha-1", clock_seconds=9 * 3600)

    refresh(cluster, folk.admin)

    after = Host.objects.get(name="alpha-1")
    assert abs(after.booted_at - before.booted_at) <= datetime.timedelta(minutes=1)
    assert before.observed_at < after.observed_at <= timezone.now()


def test_a_second_refresh_while_one_is_queued_is_refused_with_a_link(cluster, folk):
    client = api(folk.admin)
    first = client.post(f"/api/v1/clusters/{cluster.pk}/refresh/")

    second = client.post(f"/api/v1/clusters/{cluster.pk}/refresh/")

    assert second.status_code == 409
    assert second.json()["operation"]["id"] == first.json()["id"]


def test_removing_a_cluster_takes_all_its_rows_along(cluster, folk):
    assert api(folk.admin).delete(f"/api/v1/clusters/{cluster.pk}/").status_code == 204
    assert not Cluster.objects.exists() and not Host.objects.exists()

"""The kept numbers are those of the rows, right after whatever changed a row."""

import threading
from collections import Counter

import pytest
from django.db import connection, transaction

from apps.accounts.models import User
from apps.fabric.models import Cluster
from apps.operations.models import Operation
from apps.vms import counting, readings, services
from apps.vms.census import census_of
from apps.vms.models import ClusterCount, VirtualMachine
from tests.fabric.fixtures import api, execute, refresh
from tests.vms.deployments.makers import regular

pytestmark = pytest.mark.django_db(transaction=True)
PARTS = ("tenant_id", "state", "protection")


def kept(cluster: Cluster) -> dict[tuple[object, ...], int]:
    count = ClusterCount.objects.get(cluster=cluster)
    return {tuple(cell): number for *cell, number in count.cells}


def require_right(cluster: Cluster) -> None:
    """What is kept is what the rows are."""
    rows = VirtualMachine.objects.filter(cluster=cluster)
    told = Counter(
        (str(tenant) if tenant else None, state, protection)
        for tenant, state, protection in rows.values_list(*PARTS)
    )
    hosts = Counter(str(host) if host else None for host in rows.values_list("host", flat=True))
    assert kept(cluster) == told
    assert dict(ClusterCount.objects.get(cluster=cluster).hosts) == hosts


def do(answer):
    assert answer.status_code == 202, answer.content
    asked = answer.headers["Location"].rstrip("/").rpartition("/")[2]
    operation = execute(Operation.objects.get(pk=asked))
    assert operation.status == "succeeded", operation.error


def test_after_a_reading(cluster, lab, folk):
    require_right(cluster)

    lab.control("POST", "/vms/plain", {"state": "Saved", "node": "alpha-2"})
    lab.control("DELETE", "/vms/secret")
    refresh(cluster, folk.admin)

    require_right(cluster)
    assert kept(cluster) == {(None, "saved", "none"): 1}


def test_after_a_command(cluster, plain, folk):
    do(api(folk.admin).post(f"/api/v1/virtual-machines/{plain.pk}/pause/"))

    require_right(cluster)
    assert kept(cluster)[None, "paused", "none"] == 1


def test_after_another_tenant_got_it(cluster, plain, folk):
    services.assign_tenant(actor=folk.admin, vm=plain, tenant=folk.contoso_tenant)

    require_right(cluster)
    assert kept(cluster)[str(folk.contoso_tenant.pk), "running", "none"] == 1


def test_after_a_deployment_and_a_deletion(cluster, folk):
    body = regular(
        cluster, host=str(cluster.hosts.get(name="alpha-1").pk),
        volume=str(cluster.volumes.get(name="One").pk),
        virtual_switch=str(cluster.virtual_switches.get(name="Wide").pk), start=False,
    )  # fmt: skip
    do(api(folk.admin).post("/api/v1/deployments/", body, format="json"))
    require_right(cluster)
    made = VirtualMachine.objects.get(name="new-01")

    do(api(folk.admin).delete(f"/api/v1/virtual-machines/{made.pk}/"))

    require_right(cluster)
    assert sum(kept(cluster).values()) == 2


def test_what_was_missed_is_right_after_the_next_reading(cluster, plain, folk):
    VirtualMachine.objects.filter(pk=plain.pk).update(tenant=folk.contoso_tenant)

    refresh(cluster, folk.admin)

    require_right(cluster)


def test_a_change_that_is_rolled_back_counts_nothing(cluster, plain):
    before = ClusterCount.objects.get(cluster=cluster).counted_at
    with pytest.raises(RuntimeError), transaction.atomic():
        readings.nudge([plain])
        raise RuntimeError

    assert ClusterCount.objects.get(cluster=cluster).counted_at == before


def test_a_removed_cluster_is_counted_no_more(cluster, plain):
    Cluster.objects.filter(pk=cluster.pk).delete()

    counting.recount(cluster.pk)

    assert not ClusterCount.objects.exists()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_a_count_that_waits_for_another_sees_what_was_committed_meanwhile(cluster, plain):
    second = threading.Thread(target=_recount_apart, args=(cluster,))
    with transaction.atomic():
        counting.recount(cluster.pk)  # holds the row until the end of this block
        VirtualMachine.objects.filter(pk=plain.pk).update(state="off")
        second.start()
    second.join(30)

    require_right(cluster)
    assert kept(cluster)[None, "off", "none"] == 1


def _recount_apart(cluster: Cluster) -> None:
    try:
        counting.recount(cluster.pk)
    finally:
        connection.close()


def numbers(user: User) -> dict[str, int]:
    return census_of(user).by("state")


def test_a_tenant_is_told_numbers_of_its_own_machines_only(cluster, plain, secret, folk):
    services.assign_tenant(actor=folk.admin, vm=secret, tenant=folk.contoso_tenant)
    nobodys = User(username="lost", role="tenant")

    assert numbers(folk.admin) == numbers(folk.auditor) == {"running": 2}
    assert numbers(folk.contoso) == {"running": 1}
    assert census_of(folk.contoso).by("protection") == {"shielded": 1}
    assert census_of(folk.contoso).hosts is None
    for user in (folk.fabrikam, folk.guardian, nobodys):
        assert numbers(user) == {}


def test_a_cluster_without_a_count_is_counted_on_the_spot(cluster, plain, secret, folk):
    services.assign_tenant(actor=folk.admin, vm=secret, tenant=folk.contoso_tenant)
    ClusterCount.objects.all().delete()

    assert numbers(folk.admin) == {"running": 2}
    assert numbers(folk.contoso) == {"running": 1}
    assert numbers(folk.fabrikam) == {}

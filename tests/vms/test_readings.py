"""Rows of virtual machines follow what hosts tell, and say so when they don't."""

import datetime

import pytest
from django.utils import timezone

from apps.vms.models import VirtualMachine
from tests.fabric.fixtures import api, refresh

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_the_host_told_is_in_the_row(secret):
    assert (secret.state, secret.protection, secret.host.name) == ("running", "shielded", "alpha-2")
    assert secret.freshness == "live" and secret.clustered and secret.memory_bytes == 2 << 30


def test_a_vm_that_is_gone_is_gone_here_too(cluster, plain, lab, folk):
    lab.control("DELETE", "/vms/plain")

    refresh(cluster, folk.admin)

    assert not VirtualMachine.objects.filter(pk=plain.pk).exists()


def test_rows_of_a_silent_host_stay_with_their_age_and_then_become_unknown(
    cluster, plain, lab, folk
):
    lab.host("alpha-1", faults=[{"on": "Get-HostInventory", "kind": "drop", "times": 9}])
    refresh(cluster, folk.admin)
    plain.refresh_from_db()
    stale = (plain.state, plain.freshness, bool(plain.problem))

    long_ago = timezone.now() - datetime.timedelta(hours=1)
    VirtualMachine.objects.filter(pk=plain.pk).update(observed_at=long_ago)
    refresh(cluster, folk.admin)

    plain.refresh_from_db()
    assert stale == ("running", "stale", True)
    assert (plain.state, plain.last_known_state) == ("unknown", "running")
    assert plain.freshness == "unknown"


def test_an_operations_word_isnt_overwritten_by_an_older_reading(cluster, plain, lab, folk):
    later = timezone.now() + datetime.timedelta(minutes=1)
    VirtualMachine.objects.filter(pk=plain.pk).update(state="paused", observed_at=later)

    refresh(cluster, folk.admin)

    plain.refresh_from_db()
    assert plain.state == "paused"


def test_the_list_takes_the_same_number_of_queries_however_many_rows(
    cluster, plain, folk, django_assert_max_num_queries
):
    VirtualMachine.objects.bulk_create(
        VirtualMachine(
            cluster=cluster, host=plain.host, vm_id=f"00000000-0000-4000-8000-{number:012}",
            name=f"many-{number:03}", observed_at=timezone.now(),
        )
        for number in range(120)
    )  # fmt: skip
    client = api(folk.admin)

    with django_assert_max_num_queries(4):
        assert client.get("/api/v1/virtual-machines/?limit=100").json()["count"] == 122

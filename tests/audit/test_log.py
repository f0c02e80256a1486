"""The log grows without gaps, whoever writes at the same time."""

import threading

import pytest
from django.db import connection, transaction

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.audit.services import record


def write(actor: object, name: str, **more: object) -> AuditEntry:
    return record(
        actor=actor,
        action="vm.start",
        target_kind="vm",
        target_id="1",
        target_name=name,
        outcome="done",
        **more,
    )


def test_indexes_are_contiguous_from_one(admin: User) -> None:
    first, second = write(admin, "a"), write(admin, "b")

    assert (first.index, second.index) == (1, 2)
    assert first.time <= second.time


def test_a_rolled_back_entry_leaves_no_gap(admin: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        write(admin, "never happened")
        raise RuntimeError

    assert write(admin, "happened").index == 1


def test_secrets_in_the_detail_are_masked(admin: User) -> None:
    entry = write(admin, "a", detail={"username": "x", "inner": [{"password": "hunter2"}]})

    assert entry.detail == {"username": "x", "inner": [{"password": "[redacted]"}]}


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_get_one_index_each() -> None:
    def work() -> None:
        for number in range(10):
            write("worker", f"row {number}")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(AuditEntry.objects.values_list("index", flat=True)) == list(range(1, 41))

"""The grid of virtual machines with many rows: how long the server takes, by how many queries.

usage: python -m benchmarks.grid [--rows 10000] [--times 40]
       FABRIC_DATABASE_URL chooses the database, which has to be empty; otherwise SQLite in a
       temporary folder.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
import uuid
from typing import Any

PAGES = (
    ("first page", ""),
    ("filtered", "?state=running&protection=shielded"),
    ("sorted by CPU", "?ordering=-cpu"),
    ("sorted by host", "?ordering=host"),
    ("searched", "?q=7"),
    ("last page", "?page=99999"),
)
STATES = ("running", "running", "running", "off", "saved", "paused", "critical", "unknown")
PROTECTIONS = ("none", "shielded", "encryption-supported", "vtpm")
GIB = 1 << 30


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fabric-bench-") as folder:
        _prepare(folder)
        _fill(options.rows)
        _measure(options.rows, options.times)
    return 0


def _prepare(folder: str) -> None:
    os.environ |= {
        "FABRIC_DATA_DIR": folder,
        "FABRIC_DEMO": "1",
        "FABRIC_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "fabric_portal.settings",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def _fill(rows: int) -> None:
    """One cluster of sixteen hosts, twenty tenants, and the machines."""
    from django.db import connection
    from django.utils import timezone

    from apps.accounts.models import Tenant, User
    from apps.fabric.models import Cluster, Host
    from apps.vms.models import VirtualMachine

    now = timezone.now()
    User.objects.create_user("bench", role="hci-admin")
    cluster = Cluster.objects.create(
        name="bench", address="192.0.2.1", port=5985, use_tls=False, transport="ntlm"
    )
    hosts = [Host.objects.create(cluster=cluster, name=f"bench-n{n}") for n in range(1, 17)]
    tenants = [Tenant.objects.create(name=f"tenant-{n:02}") for n in range(20)]
    owners = [*tenants, *([None] * 10)]
    VirtualMachine.objects.bulk_create(
        (
            VirtualMachine(
                cluster=cluster, host=hosts[n % 16], tenant=owners[n % 30], vm_id=uuid.uuid4(),
                name=f"vm-{n:05}", state=STATES[n % 8], protection=PROTECTIONS[n % 4],
                memory_bytes=4 * GIB, processors=2, cpu_percent=n % 100, observed_at=now,
                started_at=now, clustered=True,
            )
            for n in range(rows)
        ),
        batch_size=500,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _measure(rows: int, times: int) -> None:
    from django.db import connection
    from django.test import Client

    from apps.accounts.models import User

    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get(username="bench"))
    title = f"grid of {rows:,} on {connection.vendor}"
    say(f"{title:<36}{'median':>8}{'95 %':>8}{'CPU':>8} ms {'queries':>10}{'in them':>10} ms")
    for name, query in PAGES:
        for part, headers in (("", {}), (", rows alone", {"hx-request": "true"})):
            _line(client, name + part, f"/virtual-machines/{query}", headers, times)


def _line(client: Any, name: str, ask: str, headers: dict[str, str], times: int) -> None:
    """Asks once to warm up, once to count queries, then to measure."""
    from django.db import connection

    spent: list[float] = []

    def count(execute: Any, *given: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(*given)
        finally:
            spent.append((time.perf_counter() - begun) * 1000)

    answer = client.get(ask, headers=headers)
    if answer.status_code != 200:
        raise SystemExit(f"{ask}: answered {answer.status_code}")
    with connection.execute_wrapper(count):
        client.get(ask, headers=headers)
    begun = time.process_time()
    found = sorted(_took(lambda: client.get(ask, headers=headers)) for _ in range(times))
    cpu = (time.process_time() - begun) * 1000 / times
    line = f"{name:<36}{statistics.median(found):>8.1f}{found[int(times * 0.95)]:>8.1f}{cpu:>8.1f}"
    say(f"{line}    {len(spent):>10}{sum(spent):>10.1f}")


def _took(work: Any) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

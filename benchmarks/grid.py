"""The grid of virtual machines with many rows: how long the server takes, by how many queries, how
many compressed bytes it sends, and what that becomes with more rows.

usage: python -m benchmarks.grid [--rows 10000 100000] [--times 40]
       FABRIC_DATABASE_URL chooses the database, which has to be empty; otherwise SQLite in a
       temporary folder.
"""

import argparse
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.portal import ROOT, free_port, when_there
from fabric_portal.demo.supervisor import die_with_parent

PAGES = (
    ("first page", ""),
    ("filtered", "?state=running&protection=shielded"),
    ("sorted by CPU", "?ordering=-cpu"),
    ("sorted by host", "?ordering=host"),
    ("searched, one letter", "?q=7"),
    ("searched, a name", "?q=vm-00777"),
    ("searched in vain", "?q=nosuch"),
    ("last page", "?page=99999"),
    ("filtered, last page", "?state=running&protection=shielded&page=99999"),
    ("sorted by host, last page", "?ordering=host&page=99999"),
)
HEADERS = {"accept-encoding": "gzip"}
STATES = ("running", "running", "running", "off", "saved", "paused", "critical", "unknown")
PROTECTIONS = ("none", "shielded", "encryption-supported", "vtpm")
GIB = 1 << 30


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--times", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fabric-bench-") as folder:
        _prepare(folder)
        found: list[dict[str, float]] = []
        there = 0
        for rows in sorted(options.rows):
            _fill(rows, there)
            found.append(_measure(rows, options.times))
            there = rows
        if len(found) > 1:
            _compare(found[0], found[-1])
        _web_process(options.times)
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


def _fill(rows: int, there: int = 0) -> None:
    """One cluster of sixteen hosts, twenty tenants, and the machines, where so many are there."""
    from django.db import connection
    from django.utils import timezone

    from apps.accounts.models import Tenant, User
    from apps.fabric.models import Cluster, Host
    from apps.vms import counting
    from apps.vms.models import VirtualMachine

    now = timezone.now()
    if not there:
        User.objects.create_user("bench", role="hci-admin")
        cluster = Cluster.objects.create(
            name="bench", address="192.0.2.1", port=5985, use_tls=False, transport="ntlm"
        )
        for n in range(1, 17):
            Host.objects.create(cluster=cluster, name=f"bench-n{n}")
        for n in range(20):
            Tenant.objects.create(name=f"tenant-{n:02}")
    cluster = Cluster.objects.get()
    hosts = list(Host.objects.order_by("name"))
    owners = [*Tenant.objects.order_by("name"), *([None] * 10)]
    VirtualMachine.objects.bulk_create(
        (
            VirtualMachine(
                cluster=cluster, host=hosts[n % 16], tenant=owners[n % 30], vm_id=uuid.uuid4(),
                name=f"vm-{n:05}", state=STATES[n % 8], protection=PROTECTIONS[n // 8 % 4],
                memory_bytes=4 * GIB, memory_assigned_bytes=n % 4096 << 20, processors=2,
                cpu_percent=n % 100, observed_at=now, started_at=now, clustered=True,
            )
            for n in range(there, rows)
        ),
        batch_size=500,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    # As each minute's reading does: pages of the table aren't those that the vacuum left.
    VirtualMachine.objects.update(observed_at=timezone.now())
    counting.recount(cluster.pk)


def _client() -> Any:
    from django.test import Client

    from apps.accounts.models import User

    client = Client(headers={"host": "127.0.0.1", **HEADERS})
    client.force_login(User.objects.get(username="bench"))
    return client


def _measure(rows: int, times: int) -> dict[str, float]:
    """Median milliseconds by page."""
    from django.db import connection

    client = _client()
    load = os.getloadavg()[0]
    title = f"grid of {rows:,} on {connection.vendor}, load {load:.1f}"
    heads = f"{'least':>8}{'median':>8}{'95 %':>8}{'CPU':>8} ms "
    heads += f"{'queries':>8}{'in them':>9} ms {'gzip':>7}"
    say(f"{title:<44}{heads}")
    return {
        name + part: _line(client, name + part, f"/virtual-machines/{query}", headers, times)
        for name, query in PAGES
        for part, headers in (("", {}), (", rows alone", {"hx-request": "true"}))
    }


def _line(client: Any, name: str, ask: str, headers: dict[str, str], times: int) -> float:
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
        size = len(client.get(ask, headers=headers).content)
    begun = time.process_time()
    found = sorted(_took(lambda: client.get(ask, headers=headers)) for _ in range(times))
    cpu = (time.process_time() - begun) * 1000 / times
    median = statistics.median(found)
    line = f"{name:<44}{found[0]:>8.1f}{median:>8.1f}{found[int(times * 0.95)]:>8.1f}{cpu:>8.1f}"
    say(f"{line}    {len(spent):>8}{sum(spent):>9.1f}    {size:>7,}")
    return median


def _compare(few: dict[str, float], many: dict[str, float]) -> None:
    for name, before in few.items():
        say(f"{name:<44}{many[name] / before:>8.2f} times the median with the fewest rows")


def _web_process(times: int) -> None:
    """The same pages from a web process of its own, by HTTP: what it grows to."""
    client = _client()
    port = free_port()
    with _serving(port) as process:
        when_there(port)
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        headers = {**HEADERS, "cookie": cookie, "host": f"127.0.0.1:{port}"}
        for name, query in PAGES:
            found = []
            connection = http.client.HTTPConnection("127.0.0.1", port)
            for _ in range(times):
                found.append(_took(lambda: _get(connection, f"/virtual-machines/{query}", headers)))  # noqa: B023
            say(f"{name + ', by HTTP':<44}{statistics.median(found):>8.1f}")
        status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    resident = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    say(f"memory of the web process, at most: {resident / 1024:.0f} MiB")


def _get(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> None:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: answered {answer.status}")


@contextmanager
def _serving(port: int) -> "Iterator[subprocess.Popen[bytes]]":
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, preexec_fn=die_with_parent)  # noqa: S603
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


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

"""A thousand hosts read by the clock, and a large cluster read on demand.

usage: python -m benchmarks.scale [--clusters 63] [--nodes 16] [--vms 20] [--minutes 10]

The lab, Redis, PostgreSQL where it is installed, and one observer are processes of their own; the
observer's share of a core and its memory are the system's figures for its process.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.clients import say
from tests import postgres
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 300.0
LOOK_EVERY = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clusters", type=int, default=63)
    parser.add_argument("--nodes", type=int, default=16)
    parser.add_argument("--vms", type=int, default=20, help="of each host")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--every", type=int, default=60, help="seconds between two readings")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started ends as well
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fabric-bench-")))
        found = postgres.binaries()
        if found is not None:
            os.environ["FABRIC_DATABASE_URL"] = stack.enter_context(postgres.server(found))
        os.environ |= {
            "FABRIC_DATA_DIR": str(folder), "FABRIC_DEMO": "1", "FABRIC_LOG_LEVEL": "ERROR",
            "FABRIC_OBSERVE_SECONDS": str(options.every),
            "DJANGO_SETTINGS_MODULE": "fabric_portal.settings",
        }  # fmt: skip
        stack.callback(_prepared())
        _scaled(folder, options)
    return 0


def _prepared() -> Callable[[], None]:
    """Sets Django up on an empty database; gives what lets go of that."""
    import django
    from django.core.management import call_command

    django.setup()
    from django.db import connections

    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    return connections.close_all


def _scaled(folder: Path, options: argparse.Namespace) -> None:
    large = {"name": "large", "nodes": 8, "vms": 700}
    clusters = [
        {"name": f"c{number:03}", "nodes": options.nodes, "vms": options.nodes * options.vms}
        for number in range(options.clusters)
    ]
    definition = folder / "lab.yaml"
    definition.write_text(
        yaml.safe_dump({"clusters": [_cluster(**one) for one in [*clusters, large]]})
    )
    with _running("redis_server"), _running("lab", "--definition", str(definition)):
        written = folder / "lab" / "lab.json"
        begun = time.perf_counter()
        wait_for(written.exists, "the lab", PATIENCE_SECONDS)
        facts = json.loads(written.read_text())
        hosts = options.clusters * options.nodes
        say(f"a lab of {hosts + 8} hosts stands after {time.perf_counter() - begun:.0f} s")
        known = {one["name"]: one for one in facts["clusters"]}
        with _running("work", "--queues", "operations"):
            _on_demand(_added(known["large"]))
        for one in clusters:
            _added(known[str(one["name"])])
        with _running("work", "--queues", "observations", "--threads", "8", "--beat") as observer:
            _by_the_clock(observer.pid, hosts, options)


def _cluster(name: str, nodes: int, vms: int) -> dict[str, Any]:
    memory = 4 * (vms // nodes + 2)
    return {
        "name": name,
        "credentials": {"username": "BENCH\\ops", "password": "Correct.Horse.77"},
        "nodes": [
            {"name": f"{name}-{n}", "memory_gib": memory, "processors": 64} for n in range(nodes)
        ],
        "volumes": [{"name": "One", "size_gib": 10_000, "used_gib": 400}],
        "switches": [{"name": "Wide", "type": "External"}],
        "vms": [
            {"repeat": vms, "name": f"{name}-vm{{n:04}}", "spread": True, "state": "Running"}
            | {"memory_gib": 2, "processors": 2, "protection": "none"}
        ],
    }


@contextlib.contextmanager
def _running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "manage.py", *command], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _added(told: dict[str, Any]) -> Any:
    """The portal's cluster for one of the lab, not yet read."""
    from apps.fabric import credentials, selectors
    from apps.fabric.models import Cluster

    cluster = Cluster(
        name=told["name"], address=told["address"], port=told["port"], use_tls=told["use_tls"],
        transport=told["transport"], username=told["username"],
    )  # fmt: skip
    cluster.password_envelope = credentials.seal(
        told["password"], owner=selectors.owner_of_credential(cluster)
    )
    cluster.save(force_insert=True)
    return cluster


def _on_demand(cluster: Any) -> None:
    """Eight nodes, 700 machines: from the click on Refresh to the complete grid."""
    from django.test import Client

    from apps.accounts.models import User
    from apps.fabric import services
    from apps.vms.models import VirtualMachine

    user = User.objects.create_user("bench", role="hci-admin")
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(user)
    for turn in ("first", "second", "third"):
        before, begun = _calls(), time.perf_counter()
        operation = services.refresh_cluster(actor=user, cluster=cluster)
        wait_for(lambda op=operation: _ended(op), "the reading", PATIENCE_SECONDS)  # type: ignore[misc]
        answer = client.get("/virtual-machines/?page_size=100")
        seconds = time.perf_counter() - begun
        after = _calls()
        scripts = {
            name: count - before["scripts"].get(name, 0)
            for name, count in after["scripts"].items()
            if count != before["scripts"].get(name, 0)
        }
        rows = VirtualMachine.objects.filter(cluster=cluster).count()
        say(
            f"{turn} refresh of 8 nodes: {rows} machines in the grid ({answer.status_code}) after"
            f" {seconds:.2f} s, {after['requests'] - before['requests']} requests, {scripts}"
        )


def _ended(operation: Any) -> bool:
    operation.refresh_from_db()
    return str(operation.status) not in ("queued", "running")


def _calls() -> dict[str, Any]:
    import urllib.request

    facts = json.loads((Path(os.environ["FABRIC_DATA_DIR"]) / "lab" / "lab.json").read_text())
    with urllib.request.urlopen(facts["control_url"] + "/state") as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)["calls"]
    return found


def _by_the_clock(pid: int, hosts: int, options: argparse.Namespace) -> None:
    from apps.fabric.models import Host

    begun = time.perf_counter()
    wait_for(
        lambda: Host.objects.filter(observed_at__isnull=False).count() >= hosts,
        "the first reading of every host",
        PATIENCE_SECONDS,
    )
    say(f"every host read for the first time after {time.perf_counter() - begun:.1f} s")
    say(f"{'minute':>6}{'CPU %':>8}{'MiB':>7}{'rows written':>14}{'oldest reading, s':>19}")
    for minute in range(1, int(options.minutes) + 1):
        cpu, rows, at = _cpu(pid), _rows(), time.monotonic()
        time.sleep(60)
        share = (_cpu(pid) - cpu) / (time.monotonic() - at) * 100
        say(f"{minute:>6}{share:>8.1f}{_memory(pid):>7}{_rows() - rows:>14}{_oldest():>19.0f}")


def _cpu(pid: int) -> float:
    """Seconds of processor time, the process's own."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) // 1024


def _rows() -> int:
    """Rows that the database has written so far; 0 where it doesn't count them."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables")
        return int(cursor.fetchone()[0])


def _oldest() -> float:
    from django.db.models import Min
    from django.utils import timezone

    from apps.fabric.models import Host

    oldest = Host.objects.aggregate(at=Min("observed_at"))["at"]
    return (timezone.now() - oldest).total_seconds()


if __name__ == "__main__":
    sys.exit(main())

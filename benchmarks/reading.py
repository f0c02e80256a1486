"""How fast a running demo answers: reading, and one order to a host from click to end."""

import statistics
import time
from collections.abc import Callable

from benchmarks.clients import Client, say

READ = (
    "/api/v1/me/",
    "/api/v1/virtual-machines/?limit=50",
    "/api/v1/virtual-machines/?limit=1000",
    "/api/v1/virtual-machines/?q=web",
    "/api/v1/hosts/",
    "/api/v1/operations/",
    "/api/v1/audit/entries/",
    "/health/ready/",
)


def reading(client: Client, times: int) -> None:
    say(f"{'read':<40}{'median':>9}{'95 %':>9}{'slowest':>9}   ms of {times}")
    for path in READ:
        if client.ask("GET", path)[0] != 200:
            say(f"{path:<40}  not answered 200")
            continue
        found = sorted(_milliseconds(lambda path=path: client.ask("GET", path), times))  # type: ignore[misc]
        late = found[int(len(found) * 0.95)]
        say(f"{path:<40}{statistics.median(found):>9.1f}{late:>9.1f}{found[-1]:>9.1f}")


def _milliseconds(work: Callable[[], object], times: int) -> list[float]:
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append((time.perf_counter() - begun) * 1000)
    return found


def refreshing(client: Client) -> None:
    """Reads each cluster once: from the request to the operation's end."""
    for cluster in client.ask("GET", "/api/v1/clusters/")[1]["results"]:
        begun = time.perf_counter()
        status, operation = client.ask("POST", f"/api/v1/clusters/{cluster['id']}/refresh/")
        if status != 202:
            say(f"refresh of {cluster['name']}: answered {status}")
            continue
        ended = client.follow(operation["url"])
        seconds = time.perf_counter() - begun
        say(f"refresh of {cluster['name']}: {ended['status']} in {seconds:.2f} s")

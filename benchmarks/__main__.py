"""How fast a running demo answers: reading, and one order to a host from click to end.

usage: python -m benchmarks [--demo var/demo.json] [--requests 200]
"""

import argparse
import http.client
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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


class Client:
    """One kept connection, as a script would have."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str) -> tuple[int, Any]:
        body = b"{}" if method == "POST" else None
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None


def milliseconds(work: Callable[[], object], times: int) -> list[float]:
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append((time.perf_counter() - begun) * 1000)
    return sorted(found)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def reading(client: Client, times: int) -> None:
    say(f"{'read':<44}{'median':>9}{'95 %':>9}{'slowest':>9}   ms of {times}")
    for path in READ:
        if client.ask("GET", path)[0] != 200:
            say(f"{path:<44}  not answered 200")
            continue
        found = milliseconds(lambda path=path: client.ask("GET", path), times)  # type: ignore[misc]
        late = found[int(len(found) * 0.95)]
        say(f"{path:<44}{statistics.median(found):>9.1f}{late:>9.1f}{found[-1]:>9.1f}")


def refreshing(client: Client) -> None:
    """Reads each cluster once: from the request to the operation's end."""
    for cluster in client.ask("GET", "/api/v1/clusters/")[1]["results"]:
        begun = time.perf_counter()
        status, operation = client.ask("POST", f"/api/v1/clusters/{cluster['id']}/refresh/")
        if status != 202:
            say(f"refresh of {cluster['name']}: answered {status}")
            continue
        while operation["status"] in ("queued", "running"):
            time.sleep(0.02)
            operation = client.ask("GET", operation["url"])[1]
        seconds = time.perf_counter() - begun
        say(f"refresh of {cluster['name']}: {operation['status']} in {seconds:.2f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, default=Path("var/demo.json"))
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args()
    if not options.demo.exists():
        parser.error(f"{options.demo} isn't there: start the demo first")
    demo = json.loads(options.demo.read_text())
    admin = next(user for user in demo["users"] if user["username"] == "admin")
    client = Client(demo["url"], admin["api_token"])
    reading(client, options.requests)
    refreshing(client)
    return 0


if __name__ == "__main__":
    sys.exit(main())

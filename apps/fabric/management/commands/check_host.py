"""manage.py check_host HOST: what docs/windows.md leaves to a real host, tried on it."""

import json
import sys
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.fabric import selectors
from apps.fabric.credentials import EnvelopeError
from apps.fabric.host_checks import Result, Status, check_host
from apps.fabric.host_checks.checking import PAUSE_SECONDS
from apps.fabric.models import Host

AT_ONCE = 8


class Command(BaseCommand):
    help = (
        "Tries on a real host what only Windows can confirm, and prints what differs from what the "
        "portal relies on. Reads only, apart from a detached job that sleeps and is removed. "
        "Ends with 0 when nothing differs and all was tried, with 1 otherwise."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "host", help="name of a host, of a cluster (all its hosts), or cluster/host"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document")
        parser.add_argument(
            "--pause", type=float, default=PAUSE_SECONDS, metavar="SECONDS",
            help="how long a warm session is left alone (default: %(default)g)",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        hosts = selectors.hosts_named(options["host"])
        if not hosts:
            raise CommandError(f"No host and no cluster is named {options['host']}.")
        with ThreadPoolExecutor(min(AT_ONCE, len(hosts))) as threads:
            try:
                told = list(threads.map(partial(check_host, pause=options["pause"]), hosts))
            except EnvelopeError as error:
                raise CommandError(str(error)) from error
        found = dict(zip(hosts, told, strict=True))
        if options["json"]:
            self.stdout.write(json.dumps([_document(*row) for row in found.items()], indent=1))
        else:
            for host, results in found.items():
                self._tell(host, results)
        if any(result.status != Status.OK for results in told for result in results):
            sys.exit(1)

    def _tell(self, host: Host, results: list[Result]) -> None:
        self.stdout.write(f"{host.cluster.name}/{host.name}")
        for result in results:
            check = result.check
            self.stdout.write(f"  {result.status:<9} {check.id:<18} {check.words}: {result.found}")
            if result.status == Status.DIFFERS:
                self.stdout.write(f"{'':30} expected: {check.expected} ({result.row})")
        count = {status: sum(row.status == status for row in results) for status in Status}
        self.stdout.write("  " + ", ".join(f"{n} {status}" for status, n in count.items()))


def _document(host: Host, results: list[Result]) -> dict[str, Any]:
    return {
        "host": host.name,
        "cluster": host.cluster.name,
        "ok": all(result.status == Status.OK for result in results),
        "checks": [result.as_dict() for result in results],
    }

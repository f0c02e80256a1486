"""A worker: takes operations or observations from their queues, with threads."""

import threading
import warnings
from argparse import ArgumentParser
from typing import Any

from celery import beat
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning
from celery.signals import worker_ready
from django.core.management.base import BaseCommand

from fabric_portal import checks
from fabric_portal.celery import app


class Command(BaseCommand):
    help = "Works off queues until SIGINT or SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queues", default="operations,observations")
        parser.add_argument("--threads", type=int, default=16)
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--beat", action="store_true", help="also keeps the schedule; once a portal"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        checks.refuse_without_secrets()
        if options["beat"]:
            worker_ready.connect(_keep_schedule, weak=False)
        name = options["name"] or options["queues"].replace(",", "-")
        # It warns of running as root because of pickle; ids in JSON are all that travels here.
        warnings.filterwarnings("ignore", category=SecurityWarning)
        # It tells of another way to meet a lost broker; work that runs on to its end is right.
        warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
        app.worker_main(
            [
                "--quiet",
                "worker",
                "--pool=threads",
                f"--concurrency={options['threads']}",
                f"--queues={options['queues']}",
                f"--hostname={name}@%h",
                "--loglevel=WARNING",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",
            ]
        )


def _keep_schedule(**more: Any) -> None:
    service = beat.Service(app)
    threading.Thread(
        target=service.start, kwargs={"embedded_process": False}, name="beat", daemon=True
    ).start()

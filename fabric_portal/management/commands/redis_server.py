"""Runs a Redis server on the data folder's socket until it is told to stop."""

import signal
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from fabric_portal import redis_server


class Command(BaseCommand):
    help = (
        "Runs Redis for a portal on one machine; does nothing where FABRIC_REDIS_URL names another."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--socket", default=str(settings.FABRIC_REDIS_SOCKET))

    def handle(self, *args: Any, **options: Any) -> None:
        if f"unix://{settings.FABRIC_REDIS_SOCKET}" != settings.FABRIC_REDIS_URL:
            self.stdout.write("FABRIC_REDIS_URL names a server: none is started.")
            signal.pause()
            return
        server = redis_server.start(settings.FABRIC_REDIS_SOCKET)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: server.terminate())
        sys.exit(0 if server.wait() in (0, -signal.SIGTERM) else 1)

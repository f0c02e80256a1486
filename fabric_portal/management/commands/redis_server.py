"""Becomes a Redis server on the data folder's socket."""

import os
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from fabric_portal import redis_server


class Command(BaseCommand):
    help = "Runs Redis for a portal on one machine; waits where FABRIC_REDIS_URL names another."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if f"unix://{settings.FABRIC_REDIS_SOCKET}" != settings.FABRIC_REDIS_URL:
            self.stdout.write("FABRIC_REDIS_URL names a server: none is started.")
            self.stdout.flush()
            signal.pause()
            return
        words = redis_server.prepare(settings.FABRIC_REDIS_SOCKET)
        redis_server.die_with_parent()
        os.execv(words[0], words)  # noqa: S606  our own command line

"""Brings up everything on this machine: database, Redis, lab, web, workers, and the demo's
content.
"""

import os
import shutil
import socket
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

DEFINITION = settings.BASE_DIR / "apps" / "lab" / "definitions" / "default.yaml"


class Command(BaseCommand):
    help = "Prepares the data folder and hands over to the processes of the Procfile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", default=os.environ.get("PORT") or "8000")

    def handle(self, *args: Any, **options: Any) -> None:
        port = _port(options["port"])
        if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
            settings.FABRIC_DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        os.environ.update(_environment(port))
        os.chdir(settings.BASE_DIR)
        connections.close_all()
        honcho = shutil.which("honcho", path=str(Path(sys.executable).parent))
        if honcho is None:
            raise CommandError("honcho isn't installed beside this Python.")
        sys.stdout.flush()
        os.execv(honcho, [honcho, "--no-colour", "start", "--no-prefix"])  # noqa: S606


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise CommandError("PORT has to be a port number.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except OSError as error:
            raise CommandError(
                f"Port {text} can't be had: {error.strerror}. Choose another PORT."
            ) from None
    return int(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(port: int) -> dict[str, str]:
    """What the processes are told; what was set from outside stays."""
    tls_port = int(os.environ.get("FABRIC_TLS_PORT") or _free_port())
    own = {
        "FABRIC_DEMO": "1",
        "FABRIC_DATA_DIR": str(settings.FABRIC_DATA_DIR),
        "FABRIC_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "FABRIC_CONTENT_URL": f"https://127.0.0.1:{tls_port}",
        "FABRIC_LAB": str(Path(settings.FABRIC_LAB or DEFINITION).resolve()),
    }
    given = {
        name: value for name in own if (value := os.environ.get(name)) and name != "FABRIC_LAB"
    }
    return own | given | {"FABRIC_PORT": str(port), "FABRIC_TLS_PORT": str(tls_port)}

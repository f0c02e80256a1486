"""manage.py lab: the simulated fabric, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.lab.service import Lab
from apps.lab.world import DefinitionError, read

DEFAULT = Path(__file__).resolve().parents[2] / "definitions" / "default.yaml"


class Command(BaseCommand):
    help = "Runs the simulated fabric: WinRM hosts, guardian services and the control address."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--definition",
            default=os.environ.get("FABRIC_LAB") or str(DEFAULT),
            help="YAML file that says what the fabric holds (default: FABRIC_LAB, else the demo's)",
        )
        parser.add_argument("--data-dir", default=str(settings.FABRIC_DATA_DIR))
        parser.add_argument("--port", type=int, default=0, help="WinRM port of all hosts")
        parser.add_argument("--control-port", type=int, default=0)
        parser.add_argument(
            "--engine",
            default="",
            help="a PowerShell that runs any script text; `pwsh` takes FABRIC_PWSH",
        )

        parser.add_argument(
            "--trust",
            type=Path,
            help="PEM file of certificates that the hosts trust when they fetch from the portal",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        try:
            definition = read(Path(options["definition"]))
            for warning in definition.warnings:
                self.stderr.write(f"Warning: {options['definition']}: {warning}")
            folder = Path(options["data_dir"]) / "lab"
            lab = Lab(
                definition,
                folder,
                port=options["port"],
                control_port=options["control_port"],
                powershell=_engine(options["engine"]),
                trust=options["trust"],
            )
        except (DefinitionError, OSError) as error:
            raise CommandError(str(error)) from None
        try:
            self._tell(lab)
            stop.wait()
        finally:
            lab.close()

    def _tell(self, lab: Lab) -> None:
        for cluster in lab.facts["clusters"]:
            self.stdout.write(
                f"{cluster['name']}: {len(cluster['hosts'])} hosts, WinRM at "
                f"{cluster['address']}:{cluster['port']}"
            )
        self.stdout.write(f"The lab is ready. Control address: {lab.control.url}")
        self.stdout.flush()


def _engine(name: str) -> str:
    """The path of the PowerShell that --engine names."""
    if name != "pwsh":
        return name
    path = os.environ.get("FABRIC_PWSH", "")
    if not path:
        raise CommandError("--engine pwsh needs FABRIC_PWSH, the path of a PowerShell engine")
    return path

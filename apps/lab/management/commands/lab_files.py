"""manage.py lab_files: template disks and shielding data to try the portal with."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.lab.files import keys, samples
from apps.lab.files.protector import Party
from apps.lab.files.signed import Tampered
from apps.lab.files.template import NoCatalog
from apps.lab.files.vhdx import DiskError
from apps.lab.management.commands.lab import DEFAULT
from apps.lab.world import DefinitionError, read

POLICIES = {word: name for name, word in samples.WORDS.items()}


class Command(BaseCommand):
    help = (
        "Makes pairs of template disk and shielding data: good, mismatched and tampered ones; "
        "or, with --template, shielding data for a protected template disk that is there already."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", required=True, help="folder for the files; made if missing")
        parser.add_argument("--seed", type=int, default=1, help="other numbers give other disks")
        parser.add_argument("--template", help="a template disk (.vhdx) to make shielding data for")
        parser.add_argument("--tenant", default="contoso", help="owner of the data for --template")
        parser.add_argument("--policy", choices=sorted(POLICIES), default="shielded")
        parser.add_argument(
            "--guardian-metadata",
            action="append",
            default=[],
            help="metadata.xml of a guardian service that may run the machines, in place of the "
            "lab's own services; may be given more than once",
        )
        parser.add_argument("--data-dir", default=str(settings.FABRIC_DATA_DIR))
        parser.add_argument("--definition", default=os.environ.get("FABRIC_LAB") or str(DEFAULT))

    def handle(self, *args: Any, **options: Any) -> None:
        out, lab_folder = Path(options["out"]).resolve(), Path(options["data_dir"]) / "lab"
        if options["seed"] < 0:
            raise CommandError("--seed: a whole number from 0 on is wanted")
        try:
            shop = samples.Workshop(out, lab_folder, _guardians(options), options["seed"])
            made = _make(shop, options)
            samples.write_listings(out, made)
        except (
            DefinitionError,
            NoCatalog,
            DiskError,
            Tampered,
            OSError,
            ValueError,
            ParseError,
        ) as error:
            raise CommandError(str(error)) from None
        for sample in made:
            word = sample.tampered and f"tampered {sample.tampered}"
            fits = word or ("applies" if sample.applies else "does not apply")
            self.stdout.write(f"{sample.name}: {sample.policy}, {fits}")
        self.stdout.write(f"{len(made)} pairs in {out}, listed in manifest.json")


def _make(shop: samples.Workshop, options: dict[str, Any]) -> list[samples.Sample]:
    if not options["template"]:
        return shop.all()
    disk, policy = Path(options["template"]), POLICIES[options["policy"]]
    return [shop.for_template(disk, options["tenant"], policy)]


def _guardians(options: dict[str, Any]) -> list[Party]:
    """Those of the metadata files, else every guardian service of the lab's definition."""
    files = [Path(name) for name in options["guardian_metadata"]]
    if files:
        return [samples.guardian_of_metadata(file.read_bytes()) for file in files]
    definition = read(Path(options["definition"]))
    folder = Path(options["data_dir"]) / "lab"
    return [keys.guardian_party(folder, row) for row in definition.guardians]

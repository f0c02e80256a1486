"""Reads a lab definition (YAML) and builds the fabric it describes.

`parse` raises DefinitionError naming the place ("clusters[0].vms[3].state: …") and what would be
right. Keys that it does not know are no error, only a line in `Definition.warnings`: a definition
written for a newer lab still runs on an older one, and a slip of the pen is told.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from pathlib import Path

import yaml

from apps.lab.world.build import build_clusters, build_guardians
from apps.lab.world.model import Cluster, Guardian, Timing
from apps.lab.world.place import DefinitionError, Place


@dataclass
class Definition:
    """A fabric as described; `digest` tells one definition from another."""

    digest: str
    domain: str
    guardians: list[Guardian]
    clusters: list[Cluster]
    timing: Timing
    warnings: list[str] = field(default_factory=list)


def parse(text: str) -> Definition:
    """The fabric that a definition's text describes."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DefinitionError(f"not YAML: {error}") from None
    warnings: list[str] = []
    root = Place(document, "", warnings)
    domain = root.text("domain", "fabric.local")
    guardians = build_guardians(root)
    timing = _timing(root.part("timing"))
    clusters = build_clusters(root, domain, guardians)
    root.done()
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Definition(digest, domain, guardians, clusters, timing, warnings)


def read(path: Path) -> Definition:
    """The definition in a file; DefinitionError where there is none or it can't be read."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{path}: {error}") from None
    except DefinitionError as error:
        raise DefinitionError(f"{path}: {error}") from None


def _timing(part: Place | None) -> Timing:
    if part is None:
        return Timing()
    values = {f.name: part.whole(f.name, getattr(Timing, f.name)) for f in fields(Timing)}
    part.done()
    return Timing(**values)

"""Catalogs as the lab's hosts meet them: in a file of their own, or in a template disk."""

from __future__ import annotations

from pathlib import Path

from apps.lab.files import catalog, keys, template
from apps.lab.files.catalog import Catalog as LabVsc

__all__ = ["LabVsc", "catalog_of_disk", "load", "saved_from_disk"]


def load(content: bytes) -> LabVsc:
    """Raises signed.NotThis for other bytes, signed.Tampered where its signature does not fit."""
    return catalog.read(content)


def saved_from_disk(disk: Path, lab_folder: Path) -> bytes:
    """What Save-VolumeSignatureCatalog would write for the disk in the file `disk`.

    Raises vhdx.DiskError, template.NoCatalog, signed.Tampered.
    """
    with disk.open("rb") as file:
        return template.save_catalog(template.opened(file), keys.stand_in(lab_folder))


def catalog_of_disk(disk: Path, lab_folder: Path) -> LabVsc:
    """The catalog in the disk in the file `disk`; one that only Windows could read is stood in for,
    always by the same one. Raises as `saved_from_disk`.
    """
    return load(saved_from_disk(disk, lab_folder))

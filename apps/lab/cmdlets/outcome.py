"""What will come of provisioning a VM with its disk, its shielding data and its values."""

from __future__ import annotations

import functools
from pathlib import Path

from apps.lab import hgs
from apps.lab.cmdlets.session import Session
from apps.lab.files import catalog as catalogs
from apps.lab.files import keys, shielding, signed, template, vhdx
from apps.lab.files.catalog import Catalog
from apps.lab.files.shielding import ShieldingData
from apps.lab.world import VM, files, provisioning
from apps.lab.world.rules import attested

NO_CATALOG = "The volume signature catalog could not be found on the template disk."
BAD_CATALOG = "The volume signature catalog of the template disk is not valid."
ALTERED = (
    "The template disk does not match its volume signature catalog: the {} was changed after the "
    "disk was signed."
)
NOT_LISTED = (
    "The volume signature catalog '{}', version {}, matches no volume ID qualifier of the "
    "shielding data."
)
CHANGED_DATA = "The shielding data file is not valid: its encrypted part could not be verified."
BAD_VALUES = "The specialization data file is corrupt."
NO_VALUE = "The specialization data file holds no value for {}."


def outcome(session: Session, vm: VM, data: ShieldingData, values_path: str) -> str:
    """Why it will fail, in the order in which a host finds out; "" where it will succeed."""
    try:
        return (
            _disk_problem(session, vm, data)
            or _key_problem(session, vm, data)
            or _values_problem(session, data, values_path)
        )
    except signed.Tampered:
        return CHANGED_DATA


def _blob(session: Session, path: str) -> Path | None:
    """Where a file's bytes are, None for one that has none or is not there."""
    with session.world.locked():
        try:
            return files.blob(session.world, files.find(session.world, session.cluster, path)[2])
        except files.NoSuchPath:
            return None


def _disk_problem(session: Session, vm: VM, data: ShieldingData) -> str:
    blob = _blob(session, vm.disks[0].path)
    if blob is None:
        return NO_CATALOG
    try:
        with blob.open("rb") as file:
            disk = template.opened(file)
            catalog = _catalog(disk, session.world.folder)
            now = _hashes(blob)
    except (template.NoCatalog, vhdx.DiskError):
        return NO_CATALOG
    except signed.Tampered:
        return BAD_CATALOG
    for what, digest in catalog.hashes.items():
        if now.get(what) != digest:
            return ALTERED.format("boot image" if what == "boot" else "encrypted volume")
    return "" if data.applies_to(catalog) else NOT_LISTED.format(catalog.name, catalog.version)


@functools.lru_cache(maxsize=64)
def _hashes(blob: Path) -> dict[str, str]:
    """A disk's hashes. A blob is named by its content, so what was found of one stays true."""
    with blob.open("rb") as file:
        return template.opened(file).hashes()


def _catalog(disk: template.Opened, lab_folder: Path | None) -> Catalog:
    if lab_folder is None:
        return catalogs.read(disk.vsc)
    return catalogs.read(template.save_catalog(disk, keys.stand_in(lab_folder)))


def _key_problem(session: Session, vm: VM, data: ShieldingData) -> str:
    """Whether the host's guardian service hands out the keys: attested, and named by the owner."""
    world, node = session.world, session.node
    guardian = world.guardian(node.guardian)
    if guardian is None or world.folder is None or not attested(node):
        return provisioning.unwrapping_problem(session.cluster, vm)
    if data.protector.open(hgs.keys_of(world.folder, guardian).encryption) is None:
        return (
            f"The key protector for the virtual machine '{vm.name}' could not be unwrapped. "
            f"The guardian '{guardian.name}' is not authorized by the owner of the shielding data."
        )
    return ""


def _values_problem(session: Session, data: ShieldingData, path: str) -> str:
    world = session.world
    guardian = world.guardian(session.node.guardian)
    if guardian is None or world.folder is None:
        return ""
    answer_file = data.answer_file(hgs.keys_of(world.folder, guardian).encryption) or ""
    blob = _blob(session, path) if path else None
    try:
        values = shielding.read_values(blob.read_bytes()) if blob else {}
    except (signed.NotThis, signed.Tampered):
        return BAD_VALUES
    lacking = [key for key in shielding.placeholders(answer_file) if not values.get(key)]
    return NO_VALUE.format(", ".join(lacking)) if lacking else ""

"""Template disks: writes signed ones, finds and checks the catalog of one."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from apps.lab.files import bitlocker, catalog, fat, gpt, signed, vhdx
from apps.lab.files.catalog import Catalog
from apps.lab.files.gpt import Partition, Window
from apps.lab.identities import Identity

MIB = 1 << 20
SIZE = 192 * MIB
_LAYOUT = (
    Partition(gpt.EFI_SYSTEM, "EFI system partition", 1 * MIB, 40 * MIB),
    Partition(gpt.RESERVED, "Microsoft reserved partition", 41 * MIB, 16 * MIB),
    Partition(gpt.BASIC_DATA, "Basic data partition", 57 * MIB, 100 * MIB),
)
_NAMESPACE = uuid.UUID("3d1c5f2a-7c44-5a55-8f0e-0e5a4b7d9c11")
_BOOT_IMAGE = "bootos.wim"


class NoCatalog(Exception):
    """The disk holds no volume signature catalog: it was not protected as a template."""


def write(
    path: Path, *, name: str, version: str, signer: Identity, seed: str, tampered: bool = False
) -> Catalog:
    """A protected template disk. `tampered`: its encrypted volume was changed after signing."""
    system, _, windows = _LAYOUT
    boot = b"Fabric Portal lab: a stand-in for the provisioning environment\n" + seed.encode()
    content = bitlocker.volume(windows.size, seed.encode())
    hashes = {"boot": _sha256(boot), "volume": _volume_hash(content, windows.size)}
    raw = catalog.write(name, version, hashes, signer)
    if tampered:
        content[90 * MIB] = b"changed after it was signed"
    files = {"EFI/Microsoft/bootos.wim": boot, "EFI/Microsoft/template.vsc": raw}
    disk_id = uuid.uuid5(_NAMESPACE, seed)
    extents = gpt.table(disk_id, SIZE, list(_LAYOUT))
    extents |= {system.offset + at: data for at, data in fat.volume(system.size, files).items()}
    extents |= {windows.offset + at: data for at, data in content.items()}
    vhdx.write(path, SIZE, extents, uuid.uuid5(disk_id, "file"))
    return catalog.read(raw)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _volume_hash(extents: dict[int, bytes], size: int) -> str:
    """Of a volume that is zero outside its extents."""
    digest, at = hashlib.sha256(), 0
    for start in sorted(extents):
        digest.update(bytes(start - at))
        digest.update(extents[start])
        at = start + len(extents[start])
    digest.update(bytes(size - at))
    return digest.hexdigest()


@dataclass(frozen=True)
class Opened:
    """A disk with what its EFI partition holds: `vsc` the catalog's bytes, `boot` the image's."""

    disk: vhdx.Vhdx
    vsc: bytes
    boot: bytes
    windows: Partition | None

    def hashes(self) -> dict[str, str]:
        """As they are now; reads the whole encrypted volume."""
        found = {"boot": _sha256(self.boot)}
        if self.windows is not None:
            window, digest = Window(self.disk, self.windows), hashlib.sha256()
            for at in range(0, window.size, MIB):
                digest.update(window.read(at, MIB))
            found["volume"] = digest.hexdigest()
        return found


def opened(file: BinaryIO) -> Opened:
    """Raises vhdx.DiskError for what is no disk, NoCatalog for one without a `*vsc` file."""
    disk = vhdx.Vhdx(file)
    rows = gpt.partitions(disk, disk.sector)
    found: dict[str, bytes] = {}
    for row in rows:
        if row.type == gpt.EFI_SYSTEM:
            found |= _system_files(Window(disk, row))
    if "vsc" not in found:
        raise NoCatalog("The disk holds no volume signature catalog.")
    data = [row for row in rows if row.type not in (gpt.EFI_SYSTEM, gpt.RESERVED)]
    return Opened(disk, found["vsc"], found.get("boot", b""), data[-1] if data else None)


def _system_files(window: Window) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        for path, content in fat.Fat32(window).files():
            name = path.rsplit("/", 1)[-1].lower()
            if name.endswith("vsc") and content:
                found.setdefault("vsc", content)
            elif name == _BOOT_IMAGE:
                found.setdefault("boot", content)
    except ValueError:
        return {}
    return found


def save_catalog(disk: Opened, stand_in: Identity) -> bytes:
    """The catalog in the disk. One that is not of the lab's kind (only Windows could read it) is
    stood in for: its name is made from its bytes, its signer is the lab's own."""
    try:
        catalog.read(disk.vsc)
    except signed.NotThis:
        name = f"Template {_sha256(disk.vsc + _disk_id(disk))[:8]}"
        return catalog.write(name, "1.0.0.0", disk.hashes(), stand_in)
    return disk.vsc


def _disk_id(disk: Opened) -> bytes:
    found = gpt.disk_id(disk.disk, disk.disk.sector)
    return found.bytes if found else b""

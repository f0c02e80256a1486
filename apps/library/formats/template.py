"""Everything that a file tells of itself as a template disk, and whether it can be one.

What is found is evidence. The proof is the signature check, which Windows does on a host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from apps.library.formats import bitlocker, fat, gpt
from apps.library.formats.bitlocker import BitLocker
from apps.library.formats.errors import DiskRefused
from apps.library.formats.gpt import Partition
from apps.library.formats.metered import Metered
from apps.library.formats.source import Source
from apps.library.formats.vhdx import Vhdx, open_vhdx

LUKS_START = b"LUKS\xba\xbe"
BDE, LUKS = "bitlocker", "luks"
MOST_EVIDENCE = 16


@dataclass(frozen=True)
class Container:
    type: str
    allocation: str
    virtual_size_bytes: int
    logical_sector_bytes: int
    block_size_bytes: int
    allocated_bytes: int | None


@dataclass(frozen=True)
class DiskFacts:
    """What was found before the disk was refused, or all of it. `as_dict` has the API's shape."""

    container: Container | None = None
    partitions: tuple[Partition, ...] = ()
    bitlocker: BitLocker | None = None
    evidence: tuple[str, ...] = ()
    problems: tuple[DiskRefused, ...] = field(default=())

    @property
    def refused(self) -> bool:
        return bool(self.problems)

    def as_dict(self) -> dict[str, Any]:
        return {
            "container": asdict(self.container) if self.container else None,
            "partitions": [
                {
                    "type": one.type,
                    "name": one.name,
                    "offset_bytes": one.offset,
                    "size_bytes": one.size_bytes,
                    "encryption": one.encryption or None,
                }
                for one in self.partitions
            ],
            "bitlocker": self.bitlocker.as_dict() if self.bitlocker else None,
            "signature": {"evidence": list(self.evidence), "catalog": None},
            "problems": [problem.as_dict() for problem in self.problems],
        }


def inspect(source: Source) -> DiskFacts:
    """What the file is. A disk that can't be a template has `problems`; nothing is raised but what
    the operating system says of the file (OSError)."""
    found: dict[str, Any] = {}
    try:
        for key, value in _facts(Metered(source)):
            found[key] = value
    except DiskRefused as refused:
        # Its traceback would keep everything that was being read for as long as the facts live.
        found["problems"] = (refused.with_traceback(None),)
    return DiskFacts(**found)


def _facts(source: Source) -> Any:
    opened = open_vhdx(source)
    yield "container", _container(opened)
    # What the file doesn't keep reads as zeros and costs no byte of it, but it does cost something.
    disk, sector = Metered(opened), opened.parameters.sector_bytes
    table = gpt.partitions(disk, sector)
    yield "partitions", tuple(table)
    system = _check_layout(table)
    table = [one if one is system else _looked_into(disk, one) for one in table]
    yield "partitions", tuple(table)
    lock = _bitlocker(disk, [one for one in table if one.encryption == BDE])
    yield "bitlocker", lock
    evidence = _evidence(disk, system)
    yield "evidence", evidence
    if lock is None and any(one.encryption == BDE for one in table):
        raise DiskRefused("no-bitlocker", "BitLocker’s metadata on the volume can’t be read.")
    if not any(one.encryption for one in table):
        raise DiskRefused("no-bitlocker")
    # A protected template may well carry a clear key, which the host replaces while it provisions.
    if lock is not None and lock.in_the_clear and not evidence:
        raise DiskRefused("clear-key")
    if not evidence:
        raise DiskRefused("unsigned")


def _container(disk: Vhdx) -> Container:
    sizes = disk.parameters
    return Container(
        "vhdx",
        disk.allocation,
        disk.size,
        sizes.sector_bytes,
        sizes.block_bytes,
        disk.allocated_bytes,
    )


def _check_layout(table: Sequence[Partition]) -> Partition:
    """The EFI system partition of a disk that has one and something beside it."""
    if any(one.type in gpt.DYNAMIC for one in table):
        raise DiskRefused("dynamic-disk")
    system = next((one for one in table if one.type == gpt.EFI_SYSTEM), None)
    if system is None:
        raise DiskRefused("single-partition", "The disk has no EFI system partition.")
    if not any(one.type not in (gpt.EFI_SYSTEM, "microsoft-reserved") for one in table):
        raise DiskRefused("single-partition", "The disk has no partition for an operating system.")
    return system


def _looked_into(disk: Source, partition: Partition) -> Partition:
    """The partition with what it is encrypted by, as its first sector says."""
    volume = _Window(disk, partition)
    if bitlocker.has_boot_sector(volume):
        return replace(partition, encryption=BDE)
    if volume.read(0, len(LUKS_START)) == LUKS_START:
        return replace(partition, encryption=LUKS)
    return partition


def _bitlocker(disk: Source, encrypted: Sequence[Partition]) -> BitLocker | None:
    """The facts of the first volume that has them."""
    for partition in encrypted:
        lock = bitlocker.read(_Window(disk, partition))
        if lock is not None:
            return lock
    return None


def _evidence(disk: Source, system: Partition) -> tuple[str, ...]:
    """Paths of what a protected template keeps in its EFI partition; empty without a catalog."""
    catalogs: list[str] = []
    boot_images: list[str] = []
    try:
        for one in fat.files(_Window(disk, system)):
            name = one.path.rsplit("/", 1)[-1].lower()
            if name.endswith("vsc") and one.size_bytes and len(catalogs) < MOST_EVIDENCE:
                catalogs.append(one.path)
            elif name == "bootos.wim" and len(boot_images) < MOST_EVIDENCE:
                boot_images.append(one.path)
    except fat.NotFat:
        return ()
    return tuple((catalogs + boot_images)[:MOST_EVIDENCE]) if catalogs else ()


class _Window:
    """A partition as a source of its own."""

    def __init__(self, disk: Source, partition: Partition) -> None:
        self._disk, self._offset = disk, partition.offset
        self.size = partition.size_bytes

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0:
            return b""
        return self._disk.read(self._offset + offset, max(0, min(length, self.size - offset)))

"""Everything that a file tells of itself as a template disk, and whether it can be one.

What is found is evidence. The proof is the signature check, which Windows does on a host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from apps.library.formats import bitlocker, fat, gpt
from apps.library.formats.bitlocker import BitLocker
from apps.library.formats.errors import DiskRefused
from apps.library.formats.gpt import Partition
from apps.library.formats.source import Source
from apps.library.formats.vhdx import Vhdx, open_vhdx

LUKS = b"LUKS\xba\xbe"
MOST_EVIDENCE = 16


@dataclass(frozen=True)
class Container:
    type: str
    allocation: str
    virtual_size_bytes: int
    logical_sector_bytes: int


@dataclass(frozen=True)
class DiskFacts:
    """What was found before the disk was refused, or all of it. `as_dict` has the API's shape."""

    container: Container | None = None
    partitions: tuple[Partition, ...] = ()
    bitlocker: BitLocker | None = None
    luks: bool = False
    evidence: tuple[str, ...] = ()
    problems: tuple[DiskRefused, ...] = field(default=())

    @property
    def refused(self) -> bool:
        return bool(self.problems)

    def as_dict(self) -> dict[str, Any]:
        lock = self.bitlocker
        return {
            "container": asdict(self.container) if self.container else None,
            "partitions": [
                {"type": one.type, "name": one.name, "size_bytes": one.size_bytes}
                for one in self.partitions
            ],
            "bitlocker": (
                {"method": lock.method, "protectors": list(lock.protectors)} if lock else None
            ),
            "signature": {"evidence": list(self.evidence), "catalog": None},
            "problems": [problem.as_dict() for problem in self.problems],
        }


def inspect(source: Source) -> DiskFacts:
    """What the file is. Never raises: a disk that can't be a template has `problems`."""
    found: dict[str, Any] = {}
    try:
        for key, value in _facts(source):
            found[key] = value
    except DiskRefused as refused:
        found["problems"] = (refused,)
    return DiskFacts(**found)


def _facts(source: Source) -> Any:
    disk = open_vhdx(source)
    sector = disk.parameters.sector_bytes
    yield "container", Container("vhdx", disk.allocation, disk.size, sector)
    table = gpt.partitions(disk, sector)
    yield "partitions", tuple(table)
    system = _check_layout(table)
    lock, luks = _encryption(disk, [one for one in table if one is not system])
    yield "bitlocker", lock
    yield "luks", luks
    evidence = _evidence(disk, system)
    yield "evidence", evidence
    if lock is None and not luks:
        raise _no_bitlocker(disk, table)
    # A protected template may well carry a clear key, which the host replaces while it provisions.
    if lock is not None and lock.in_the_clear and not evidence:
        raise DiskRefused("clear-key")
    if not evidence:
        raise DiskRefused("unsigned")


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


def _encryption(disk: Vhdx, others: Sequence[Partition]) -> tuple[BitLocker | None, bool]:
    luks = False
    for partition in others:
        volume = _Window(disk, partition)
        lock = bitlocker.read(volume)
        if lock is not None:
            return lock, False
        luks = luks or volume.read(0, len(LUKS)) == LUKS
    return None, luks


def _no_bitlocker(disk: Vhdx, table: Sequence[Partition]) -> DiskRefused:
    if any(bitlocker.has_boot_sector(_Window(disk, one)) for one in table):
        return DiskRefused("no-bitlocker", "BitLocker’s metadata on the volume can’t be read.")
    return DiskRefused("no-bitlocker")


def _evidence(disk: Vhdx, system: Partition) -> tuple[str, ...]:
    """Paths of what a protected template keeps in its EFI partition; empty without a catalog."""
    catalogs, boot_images = [], []
    try:
        for one in fat.files(_Window(disk, system)):
            name = one.path.rsplit("/", 1)[-1].lower()
            if name.endswith("vsc") and one.size_bytes:
                catalogs.append(one.path)
            elif name == "bootos.wim":
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

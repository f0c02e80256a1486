"""Whether a disk looks like a signed template, and what was found in it.

"Looks like" is all that a file can show: the proof is the signature check, and that is Windows'.
"""

from dataclasses import asdict, dataclass
from typing import Any

from apps.library.formats import bitlocker, fat, gpt
from apps.library.formats.refusals import DiskRefused
from apps.library.formats.sniff import require_vhdx
from apps.library.formats.source import Source
from apps.library.formats.vhdx import Vhdx

CATALOG_ENDING = "vsc"
BOOT_IMAGE = "bootos.wim"


@dataclass(frozen=True)
class TemplateFacts:
    """In the shapes of the API's template disk."""

    container: dict[str, Any]
    partitions: list[dict[str, Any]]
    bitlocker: dict[str, Any]
    evidence: list[str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def inspect(source: Source) -> TemplateFacts:
    """Everything that the file shows. Raises DiskRefused with a code of the contract."""
    require_vhdx(source)
    disk = Vhdx(source)
    found = gpt.partitions(disk)
    if len(found) < 2:
        raise DiskRefused("single-partition" if found else "no-partition-table")
    lock = _bitlocker(disk, found)
    return TemplateFacts(
        container=_container(disk),
        partitions=[{"type": p.type, "name": p.name, "size_bytes": p.size} for p in found],
        bitlocker={"method": lock.method, "protectors": list(lock.protectors)},
        evidence=_evidence(disk, found),
    )


def _container(disk: Vhdx) -> dict[str, Any]:
    return {
        "type": "vhdx",
        "allocation": "fixed" if disk.geometry.fixed else "dynamic",
        "virtual_size_bytes": disk.geometry.virtual_size,
        "logical_sector_bytes": disk.geometry.logical_sector,
    }


def _bitlocker(disk: Vhdx, partitions: list[gpt.Partition]) -> bitlocker.BitLocker:
    """Of the system's volume: the largest that is encrypted."""
    for partition in sorted(partitions, key=lambda p: -p.size):
        lock = bitlocker.find(disk, partition.offset, partition.size)
        if lock is not None:
            if lock.clear:
                raise DiskRefused("clear-key")
            return lock
    raise DiskRefused("no-bitlocker")


def _evidence(disk: Vhdx, partitions: list[gpt.Partition]) -> list[str]:
    """Paths on the EFI system partition that Protect-TemplateDisk leaves."""
    for partition in partitions:
        if partition.type_id == gpt.EFI_SYSTEM:
            names = fat.file_names(disk, partition.offset, partition.size)
            told = [n for n in names if n.lower().endswith((CATALOG_ENDING, BOOT_IMAGE))]
            if any(name.lower().endswith(CATALOG_ENDING) for name in told):
                return told
    raise DiskRefused("unsigned")

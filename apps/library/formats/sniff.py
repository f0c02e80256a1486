"""What a file is at first sight, before it is taken for a VHDX."""

from apps.library.formats.refusals import DiskRefused
from apps.library.formats.source import Source

SIGNATURE = b"vhdxfile"
ISO_AT = 0x8001


def require_vhdx(source: Source) -> None:
    """Raises DiskRefused with what the file is instead."""
    if source.size == 0:
        raise DiskRefused("empty-file")
    start = source.read(0, min(8, source.size))
    if start == SIGNATURE:
        return
    if start.startswith(b"PK\x03\x04"):
        raise DiskRefused("zip-archive")
    if start == b"conectix" or _ends_as_vhd(source):
        raise DiskRefused("vhd-format")
    if source.size > ISO_AT + 5 and source.read(ISO_AT, 5) == b"CD001":
        raise DiskRefused("iso-image")
    raise DiskRefused("not-vhdx")


def _ends_as_vhd(source: Source) -> bool:
    """A fixed VHD has its footer at the end alone (511 bytes long in very old ones)."""
    return any(
        source.size >= length and source.read(source.size - length, 8) == b"conectix"
        for length in (512, 511)
    )

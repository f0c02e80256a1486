"""BitLocker on a partition: its method and its protectors, which lie open (libbde's format notes).

Nothing that is read here opens anything: keys stay encrypted, only their kinds are told.
"""

from dataclasses import dataclass
from typing import Protocol

from apps.library.formats.source import u16, u32, u64

SIGNATURE = b"-FVE-FS-"
VISTA, SEVEN, TO_GO = b"\xeb\x52\x90", b"\xeb\x58\x90", b"MSWIN4.1"
IDENTIFIER = bytes.fromhex("3bd66749292ed84a8399f6a339e3d001")
USED_SPACE_ONLY = bytes.fromhex("3b4da892 80dd 0e4d 9e4e b1e3284eaed8".replace(" ", ""))
METHODS = {
    0x8000: "AES-CBC 128 with diffuser", 0x8001: "AES-CBC 256 with diffuser",
    0x8002: "AES-CBC 128", 0x8003: "AES-CBC 256",
    0x8004: "AES-XTS 128", 0x8005: "AES-XTS 256",
}  # fmt: skip
PROTECTORS = {
    0x0000: "clear-key", 0x0100: "tpm", 0x0200: "startup-key", 0x0500: "tpm-and-pin",
    0x0800: "recovery-password", 0x2000: "password",
}  # fmt: skip
VOLUME_MASTER_KEY = 2
LARGEST_METADATA = 64 * 1024


class Reader(Protocol):
    def read(self, offset: int, length: int) -> bytes: ...


@dataclass(frozen=True)
class BitLocker:
    method: str
    protectors: tuple[str, ...]

    @property
    def clear(self) -> bool:
        """Whether the key lies open: encrypted, but not protected."""
        return "clear-key" in self.protectors


def find(disk: Reader, start: int, size: int) -> BitLocker | None:
    """BitLocker's facts of a partition; None where it isn't encrypted with it."""
    if size < 4096:
        return None
    boot = disk.read(start, 512)
    for at in _metadata_offsets(boot):
        if 0 < at <= size - 112:
            found = _metadata(disk, start + at, size - at)
            if found is not None:
                return found
    return None


def _metadata_offsets(boot: bytes) -> tuple[int, ...]:
    """Where the three copies of the metadata are, from the partition's start, in bytes."""
    if boot[3:11] == SIGNATURE and boot[160:176] in (IDENTIFIER, USED_SPACE_ONLY):
        return tuple(u64(boot, at) for at in (176, 184, 192))
    if boot[3:11] == TO_GO and boot[424:440] == IDENTIFIER:
        return tuple(u64(boot, at) for at in (440, 448, 456))
    if boot[3:11] == SIGNATURE and boot[:3] == VISTA:
        cluster = u16(boot, 11) * boot[13]
        return (u64(boot, 56) * cluster,)
    return ()


def _metadata(disk: Reader, at: int, room: int) -> BitLocker | None:
    """One copy of the metadata: 64 bytes of block header, 48 of header, then entries."""
    head = disk.read(at, 112)
    if not head.startswith(SIGNATURE):
        return None
    length = u32(head, 64)
    if not 48 <= length <= min(LARGEST_METADATA, room - 64):
        return None
    method = METHODS.get(u32(head, 64 + 36) & 0xFFFF)
    if method is None:
        return None
    entries = disk.read(at + 112, length - 48)
    return BitLocker(method, tuple(_protectors(entries)))


def _protectors(entries: bytes) -> list[str]:
    found, at = [], 0
    while at + 8 <= len(entries):
        size = u16(entries, at)
        if size < 8 or at + size > len(entries):
            break
        if u16(entries, at + 2) == VOLUME_MASTER_KEY and size >= 8 + 28:
            kind = u16(entries, at + 8 + 26)
            found.append(PROTECTORS.get(kind, f"other-{kind:04x}"))
        at += size
    return found

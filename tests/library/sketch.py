"""Template disks of any size, drawn from nothing: containers with the sizes that are asked for,
GPT for 512 and 4,096 byte sectors, and the lab's EFI partition and BitLocker volume in them."""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Mapping

import google_crc32c

from apps.lab.files import bitlocker, fat
from apps.library.formats import vhdx
from tests.library.sparse import Sparse

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40
EFI = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
DATA = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
SYSTEM_AT, SYSTEM_SIZE = 1 * MIB, 40 * MIB
VOLUME_AT, VOLUME_SIZE = 64 * MIB, 100 * MIB
FILES = {"EFI/Microsoft/bootos.wim": b"boot", "EFI/Microsoft/template.vsc": b"catalog"}
_LOG_AT, _METADATA_AT, _BAT_AT = MIB, 2 * MIB, 3 * MIB
Extents = Mapping[int, bytes]


def sealed(content: bytes, size: int) -> bytes:
    """A structure of a VHDX in its full size, with its checksum at 4."""
    raw = bytearray(content.ljust(size, b"\0"))
    raw[4:8] = bytes(4)
    raw[4:8] = struct.pack("<I", google_crc32c.value(bytes(raw)))
    return bytes(raw)


def header(number: int = 1, log: bytes = bytes(16)) -> bytes:
    raw = struct.pack(
        "<4sIQ16s16s16sHHIQ", b"head", 0, number, b"f" * 16, b"d" * 16, log, 0, 1, MIB, _LOG_AT
    )
    return sealed(raw, 4 * KIB)


def regions(bat_bytes: int) -> bytes:
    raw = struct.pack("<4sIII", b"regi", 0, 2, 0)
    raw += struct.pack("<16sQII", vhdx.METADATA.bytes_le, _METADATA_AT, MIB, 1)
    raw += struct.pack("<16sQII", vhdx.BAT.bytes_le, _BAT_AT, bat_bytes, 1)
    return sealed(raw, 64 * KIB)


def metadata(size: int, block: int, sector: int, flags: int = 0) -> bytes:
    items = (
        (vhdx.FILE_PARAMETERS, struct.pack("<II", block, flags)),
        (vhdx.VIRTUAL_SIZE, struct.pack("<Q", size)),
        (vhdx.PAGE_83, uuid.UUID(int=7).bytes_le),
        (vhdx.LOGICAL_SECTOR, struct.pack("<I", sector)),
        (vhdx.PHYSICAL_SECTOR, struct.pack("<I", 4096)),
    )
    table = struct.pack("<8sHH20x", b"metadata", 0, len(items))
    contents, at = b"", 64 * KIB
    for item, content in items:
        is_disk = 0 if item == vhdx.FILE_PARAMETERS else 2
        table += struct.pack("<16sIII4x", item.bytes_le, at, len(content), 4 | is_disk)
        contents += content
        at += len(content)
    return table.ljust(64 * KIB, b"\0") + contents


def container(
    size: int, extents: Extents, block: int = 32 * MIB, sector: int = 512, fixed: bool = False
) -> Sparse:
    """A VHDX of `size` bytes that holds the extents; a fixed one has a place for every block."""
    blocks, ratio = -(-size // block), (1 << 23) * sector // block
    kept = {
        number
        for at, content in extents.items()
        for number in range(at // block, -(-(at + len(content)) // block))
    }
    numbers = range(blocks) if fixed else sorted(kept)
    bat = -(-(blocks + blocks // ratio + 1) * 8 // MIB) * MIB
    payload, table, place = _BAT_AT + bat, {}, {}
    for number in numbers:
        index = number + number // ratio
        chunk = table.setdefault(index // 4096, bytearray(32 * KIB))
        struct.pack_into("<Q", chunk, index % 4096 * 8, payload | 6)
        place[number] = payload
        payload += block
    pieces = [
        (0, b"vhdxfile" + "sketch".encode("utf-16-le")),
        (64 * KIB, header(1)), (128 * KIB, header(2)),
        (192 * KIB, regions(bat)), (256 * KIB, regions(bat)),
        (_METADATA_AT, metadata(size, block, sector, int(fixed))),
        *((_BAT_AT + number * 32 * KIB, bytes(chunk)) for number, chunk in table.items()),
    ]  # fmt: skip
    for at, content in extents.items():
        while content:
            number, inside = divmod(at, block)
            part, content = content[: block - inside], content[block - inside :]
            pieces.append((place[number] + inside, part))
            at += len(part)
    return Sparse(payload, tuple(pieces))


def gpt(size: int, sector: int, partitions: list[tuple[str, int, int]]) -> dict[int, bytes]:
    """Both tables of a disk; partitions are (type, first byte, bytes)."""
    count = max(128, len(partitions))
    entries = bytearray(count * 128)
    for number, (kind, at, length) in enumerate(partitions):
        struct.pack_into(
            "<16s16sQQQ72s", entries, number * 128, uuid.UUID(kind).bytes_le,
            uuid.uuid5(uuid.NAMESPACE_OID, str(number)).bytes_le, at // sector,
            (at + length) // sector - 1, 0, f"Partition {number + 1}".encode("utf-16-le"),
        )  # fmt: skip
    last, held = size // sector - 1, -(-len(entries) // sector)
    found = {}
    for own, other, place in ((1, last, 2), (last, 1, last - held)):
        head = bytearray(92)
        struct.pack_into(
            "<8sIIIIQQQQ16sQIII", head, 0, b"EFI PART", 0x10000, 92, 0, 0, own, other, 2 + held,
            last - held - 1, b"g" * 16, place, count, 128, zlib.crc32(entries),
        )  # fmt: skip
        struct.pack_into("<I", head, 16, zlib.crc32(head))
        found[own * sector], found[place * sector] = bytes(head), bytes(entries)
    protective = bytearray(512)
    struct.pack_into("<B3xB3xII", protective, 446, 0, 0xEE, 1, min(last, 2**32 - 1))
    protective[510:] = b"\x55\xaa"
    return found | {0: bytes(protective)}


def template(size: int, block: int = 32 * MIB, sector: int = 512, fixed: bool = False) -> Sparse:
    """A signed template disk: an EFI partition and a BitLocker volume, at least 256 MiB."""
    extents = gpt(size, sector, [(EFI, SYSTEM_AT, SYSTEM_SIZE), (DATA, VOLUME_AT, VOLUME_SIZE)])
    for at, content in fat.volume(SYSTEM_SIZE, FILES).items():
        extents[SYSTEM_AT + at] = content
    for at, content in bitlocker.volume(VOLUME_SIZE, b"sketch").items():
        extents[VOLUME_AT + at] = content[: 64 * KIB]
    return container(size, extents, block, sector, fixed)

"""Template disks for tests: a good one, what it becomes in other hands, and bytes laid over it."""

import lzma
import struct
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import google_crc32c

from apps.library.formats.vhdx import open_vhdx
from tests.library.sources import BytesSource

DATA = Path(__file__).resolve().parent.parent / "data"
KIB, MIB = 1 << 10, 1 << 20
HEADERS = (64 * KIB, 128 * KIB)
TABLES = (192 * KIB, 256 * KIB)
#: Where the good disk's partitions begin, on the disk.
SYSTEM, VOLUME = 2048 * 512, (2048 + 40 * 2048 + 16 * 2048) * 512


@cache
def protected() -> bytes:
    """A signed template disk: VHDX, dynamic, 192 MiB, in 15 MiB of file."""
    return lzma.decompress((DATA / "protected-dynamic.vhdx.xz").read_bytes())


def place(at: int) -> int:
    """Where in the good disk's file a byte of the disk is."""
    found = open_vhdx(BytesSource(protected())).place(at)
    assert found is not None
    return found


class Patched:
    """The good disk with other bytes laid over it, or cut; nothing is copied."""

    def __init__(self, patches: Mapping[int, bytes], size: int | None = None) -> None:
        self._patches = patches
        self.size = len(protected()) if size is None else size

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or length <= 0:
            return b""
        end = min(offset + min(length, 4 * MIB), self.size)
        found = bytearray(protected()[offset:end])
        for at, patch in self._patches.items():
            for number, value in enumerate(patch):
                if offset <= at + number < offset + len(found):
                    found[at + number - offset] = value
        return bytes(found)


def sealed(at: int, size: int, patches: Mapping[int, bytes]) -> dict[int, bytes]:
    """The patches, and the checksum that makes the structure they are in look whole again."""
    content = bytearray(Patched(patches).read(at, size))
    content[4:8] = bytes(4)
    return {**patches, at + 4: struct.pack("<I", google_crc32c.value(bytes(content)))}


def converted(folder: Path, form: str, options: str = "") -> Path:
    """The good disk's content in another form of qemu-img's."""
    source, target = folder / "good.vhdx", folder / f"other.{form}"
    source.write_bytes(protected())
    more = ["-o", options] if options else []
    subprocess.run(["qemu-img", "convert", "-O", form, *more, source, target], check=True)
    return target


def empty(folder: Path, *options: str) -> Path:
    path = folder / "empty.vhdx"
    subprocess.run(["qemu-img", "create", "-q", "-f", "vhdx", *options, path, "64M"], check=True)
    return path

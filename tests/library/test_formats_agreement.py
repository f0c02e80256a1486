"""Other people's readers find in a disk what ours does: qemu-img, libvhdi's and libbde's tools."""

import json
import re
import shutil
import struct
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.library.formats import DiskFacts, inspect
from apps.library.formats.vhdx import open_vhdx
from tests.library import disks, sketch
from tests.library.sketch import GIB, KIB, MIB, TIB
from tests.library.sources import FileSource
from tests.library.sparse import Sparse


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} isn't installed")


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True)


def facts_of(path: Path) -> DiskFacts:
    with FileSource(path) as source:
        return inspect(source)


def qemu(command: str, path: Path) -> Any:
    done = run("qemu-img", command, "--output=json", path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_equal_sizes(path: Path) -> None:
    told, found = qemu("info", path), facts_of(path).container
    assert found is not None and told["format"] == found.type
    assert told["virtual-size"] == found.virtual_size_bytes
    assert told["cluster-size"] == found.block_size_bytes


def kept_blocks(path: Path, near: Iterable[int]) -> set[int]:
    """Which of the blocks that are near some offsets the file keeps, by our reader."""
    with FileSource(path) as source:
        disk = open_vhdx(source)
        block = disk.parameters.block_bytes
        numbers = {at // block + more for at in near for more in (-1, 0, 1)}
        return {n for n in numbers if 0 <= n * block < disk.size and disk.place(n * block)}


def written(path: Path, places: Iterable[int]) -> None:
    """qemu-io writes 64 KiB at each place."""
    commands = [word for at in places for word in ("-c", f"write -P 0x5a {at} 64k")]
    done = run("qemu-io", "-f", "vhdx", *commands, path)
    assert done.returncode == 0, done.stderr


def created(path: Path, size: int, block: int, form: str = "dynamic") -> Path:
    options = f"subformat={form},block_size={block}"
    assert run("qemu-img", "create", "-f", "vhdx", "-o", options, path, size).returncode == 0
    return path


@needs("qemu-io")
@pytest.mark.parametrize("block", [MIB, 2 * MIB, 32 * MIB, 256 * MIB])
@pytest.mark.parametrize("size", [GIB, 64 * GIB, 2 * TIB])
def test_a_dynamic_disk_keeps_the_blocks_that_were_written(
    size: int, block: int, tmp_path: Path
) -> None:
    path = created(tmp_path / "made.vhdx", size, block)
    # the second, across two blocks, around the end of a chunk of blocks, the disk's last bytes
    ratio = (1 << 23) * 512 // block
    places = [block, 3 * block - 32 * KIB, min(ratio, size // block - 1) * block, size - 64 * KIB]

    written(path, places)

    assert_equal_sizes(path)
    touched = {(at + more) // block for at in places for more in (0, 64 * KIB - 1)}
    assert kept_blocks(path, places) == touched
    container = facts_of(path).container
    assert container is not None and container.allocated_bytes == len(touched) * block
    with FileSource(path) as source:
        disk = open_vhdx(source)
        assert all(disk.read(at, 64 * KIB) == b"\x5a" * 64 * KIB for at in places)


@needs("qemu-io")
@pytest.mark.parametrize("block", [MIB, 32 * MIB, 256 * MIB])
def test_ranges_with_data_are_those_that_map_tells(block: int, tmp_path: Path) -> None:
    """qemu's reader of VHDX calls every block data, so that the disk is mapped once converted."""
    path = created(tmp_path / "made.vhdx", GIB, block)
    written(path, [0, 300 * MIB, 513 * MIB - 32 * KIB, GIB - 64 * KIB])

    assert run("qemu-img", "convert", "-O", "qcow2", path, tmp_path / "same.qcow2").returncode == 0

    ranges = [one for one in qemu("map", tmp_path / "same.qcow2") if one["data"]]
    with FileSource(path) as source:
        disk = open_vhdx(source)
        kept = {n for n in range(GIB // block) if disk.place(n * block) is not None}
        for one in ranges:
            assert b"\x5a" * 32 * KIB in disk.read(one["start"], one["length"])
    assert kept == {
        number
        for one in ranges
        for number in range(one["start"] // block, -(-(one["start"] + one["length"]) // block))
    }


@needs("qemu-io")
@pytest.mark.parametrize("block", [MIB, 32 * MIB])
def test_a_fixed_disk_has_a_place_for_every_block(block: int, tmp_path: Path) -> None:
    """qemu calls a block that was never written zero, though its place is in the file."""
    path = created(tmp_path / "made.vhdx", GIB, block, "fixed")
    written(path, [700 * MIB])

    assert_equal_sizes(path)
    container = facts_of(path).container
    assert container is not None
    assert (container.allocation, container.allocated_bytes) == ("fixed", block)
    assert path.stat().st_size > GIB


@needs("qemu-img")
def test_qemu_opens_a_disk_that_was_drawn_here(tmp_path: Path) -> None:
    for size, block in ((GIB, MIB), (64 * GIB, 32 * MIB), (2 * TIB, 256 * MIB)):
        path = sketch.template(size, block).write(tmp_path / "drawn.vhdx")
        assert_equal_sizes(path)


@needs("vhdiinfo")
@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize(("size", "block"), [(GIB, MIB), (2 * TIB, 256 * MIB)])
def test_libvhdi_tells_the_same_sizes_with_either_sector(
    size: int, block: int, sector: int, tmp_path: Path
) -> None:
    """qemu-img knows disks of 512 byte sectors only."""
    path = sketch.template(size, block, sector).write(tmp_path / "drawn.vhdx")

    told = run("vhdiinfo", path).stdout

    found = facts_of(path).container
    assert found is not None and f"({found.virtual_size_bytes} bytes)" in told
    assert re.search(rf"Bytes per sector\s*: {found.logical_sector_bytes} bytes", told)
    assert re.search(rf"Disk type\s*: {found.allocation.capitalize()}", told)


def log_entry(guid: bytes, at: int, content: bytes, file_size: int) -> bytes:
    """One write of 4 KiB that the log of a VHDX still holds (MS-VHDX 2.3)."""
    head = struct.pack("<4sIIIQII16sQQ", b"loge", 0, 8 * KIB, 0, 1, 1, 0, guid, *[file_size] * 2)
    change = struct.pack("<4s4s8sQQ", b"desc", content[-4:], content[:8], at, 1)
    data = struct.pack("<4sI", b"data", 0) + content[8:-4] + struct.pack("<I", 1)
    return sketch.sealed((head + change).ljust(4 * KIB, b"\0") + data, 8 * KIB)


def with_log() -> Sparse:
    """A template disk whose 501st block is in the file and not yet in the table."""
    disk, guid = sketch.template(GIB, MIB), bytes(range(1, 17))
    table = bytearray(disk.read(3 * MIB, 4 * KIB))
    struct.pack_into("<Q", table, 500 * 8, disk.size | 6)
    log = log_entry(guid, 3 * MIB, bytes(table), disk.size + MIB)
    headers = [(64 * KIB, sketch.header(1, guid)), (128 * KIB, sketch.header(2, guid))]
    block = (disk.size, b"\x5a" * MIB)
    return replace(disk, size=disk.size + MIB).over([(MIB, log), *headers, block])


@needs("qemu-io")
def test_a_log_that_was_not_written_back_is_refused_until_it_is(tmp_path: Path) -> None:
    path = with_log().write(tmp_path / "dirty.vhdx")

    assert [one.code for one in facts_of(path).problems] == ["dirty-log"]
    assert "log that needs to be replayed" in run("qemu-img", "info", path).stderr
    assert run("qemu-img", "check", "-r", "all", path).returncode == 0

    assert not facts_of(path).refused
    assert_equal_sizes(path)
    assert 500 in kept_blocks(path, [500 * MIB])
    told = run("qemu-io", "-r", "-f", "vhdx", "-c", f"read -P 0x5a {500 * MIB} 1M", path)
    assert told.returncode == 0, told.stdout
    with FileSource(path) as source:
        assert open_vhdx(source).read(500 * MIB, MIB) == b"\x5a" * MIB


@needs("qemu-img")
def test_both_refuse_a_differencing_disk(tmp_path: Path) -> None:
    disk = sketch.template(GIB, MIB)
    path = disk.over([(2 * MIB, sketch.metadata(GIB, MIB, 512, 2))]).write(tmp_path / "child.vhdx")

    assert [one.code for one in facts_of(path).problems] == ["differencing"]
    assert run("qemu-img", "info", path).returncode != 0


METHODS = {"xts-aes-128": "AES-XTS 128-bit", "xts-aes-256": "AES-XTS 256-bit"}
KINDS = {"Password": "password", "Recovery password": "recovery-password", "TPM": "tpm"}


@needs("qemu-img")
@needs("bdeinfo")
@pytest.mark.parametrize("source", ["real", "drawn"])
def test_libbde_tells_the_same_of_bitlocker(source: str, tmp_path: Path) -> None:
    path, raw = tmp_path / "disk.vhdx", tmp_path / "disk.raw"
    if source == "real":
        path.write_bytes(disks.protected())
    else:
        sketch.template(GIB, MIB).write(path)
    assert run("qemu-img", "convert", "-O", "raw", path, raw).returncode == 0
    facts = facts_of(path)
    (volume,) = [one for one in facts.partitions if one.encryption == "bitlocker"]

    told = run("bdeinfo", "-o", volume.offset, raw).stdout

    lock = facts.bitlocker
    assert lock is not None and lock.created_at is not None
    assert [KINDS[one] for one in re.findall(r"Type\s*: (.+)", told)] == list(lock.protectors)
    assert re.search(rf"Encryption method\s*: {METHODS[lock.method]}", told)
    assert re.search(rf"Volume identifier\s*: {lock.volume_id}", told)
    assert re.search(rf"Creation time\s*: {lock.created_at:%b %d, %Y %H:%M:%S}\.", told)

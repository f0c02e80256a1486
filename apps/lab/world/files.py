"""Files on the volumes of a cluster whose bytes the lab really keeps.

A row in `Volume.files` names a blob; blobs lie in the lab's folder under the SHA-256 of what they
hold, so that a copy costs nothing. Callers hold the world's lock, except where a docstring says
that they need not.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from dataclasses import replace
from pathlib import Path

from apps.lab.world.model import Cluster, File, Volume
from apps.lab.world.world import World

CHUNK = 1 << 20
PART = ".part"


class NoSuchPath(Exception):
    """No volume of the cluster holds this path, or no file is there."""


class NoRoom(Exception):
    """The volume has less space than the file needs."""


def volume_at(world: World, cluster: Cluster, path: str) -> Volume:
    volume = world.volume_of(cluster, path)
    if volume is None:
        raise NoSuchPath(path)
    return volume


def find(world: World, cluster: Cluster, path: str) -> tuple[Volume, str, File]:
    """Volume, name as it is written there, row; raises NoSuchPath."""
    volume = volume_at(world, cluster, path)
    folded = path.casefold()
    for name, file in volume.files.items():
        if name.casefold() == folded:
            return volume, name, file
    raise NoSuchPath(path)


def blob(world: World, file: File) -> Path | None:
    """Where a file's bytes are; None for one that is only a size."""
    return world.blob_folder / file.blob if file.blob else None


def require_room(volume: Volume, size: int) -> None:
    if volume.used_bytes + size > volume.size_bytes:
        raise NoRoom(volume.name)


def put(world: World, cluster: Cluster, path: str, content: bytes) -> File:
    """Writes a small file, over one that is there."""
    name = hashlib.sha256(content).hexdigest()
    draft = world.blob_folder / f"{name}{PART}-{uuid.uuid4().hex}"
    draft.write_bytes(content)
    return adopt(world, cluster, path, draft, name)


def adopt(world: World, cluster: Cluster, path: str, draft: Path, sha256: str) -> File:
    """Makes a finished draft in the blob folder the file at a path."""
    volume = volume_at(world, cluster, path)
    size = draft.stat().st_size
    os.replace(draft, world.blob_folder / sha256)
    with contextlib.suppress(NoSuchPath):
        _, old, _ = find(world, cluster, path)
        del volume.files[old]
    file = File(size, sha256, sha256)
    volume.files[path] = file
    world.changed()
    return file


def copy(world: World, cluster: Cluster, source: str, target: str) -> File:
    """A copy, over what is at the target; raises NoSuchPath, NoRoom."""
    _, _, file = find(world, cluster, source)
    volume = volume_at(world, cluster, target)
    require_room(volume, file.size_bytes)
    volume.files[target] = replace(file)
    world.changed()
    return volume.files[target]


def move(world: World, cluster: Cluster, source: str, target: str) -> None:
    volume, name, file = find(world, cluster, source)
    other = volume_at(world, cluster, target)
    del volume.files[name]
    other.files[target] = file
    world.changed()


def sweep(world: World) -> None:
    """Deletes the blobs that no file names any more."""
    if world.folder is None:
        return
    named = {
        file.blob
        for cluster in world.clusters
        for volume in cluster.volumes
        for file in volume.files.values()
    }
    for path in world.blob_folder.iterdir():
        if path.name not in named and f"{PART}-" not in path.name:
            path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """Of a blob; needs no lock."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

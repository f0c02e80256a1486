"""Microsoft.PowerShell.Management and Utility: files on the cluster's volumes."""

from __future__ import annotations

from typing import Any

from apps.lab.cmdlets import cmdlet
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.world import files


def missing(parameters: Parameters, path: str) -> CmdletError:
    return parameters.error(
        f"Cannot find path '{path}' because it does not exist.", "ObjectNotFound", "PathNotFound"
    )


def full(parameters: Parameters) -> CmdletError:
    return parameters.error(
        "There is not enough space on the disk.", "WriteError", "System.IO.IOException"
    )


def _source(parameters: Parameters) -> str:
    return parameters.text("LiteralPath") or parameters.text("Path")


@cmdlet("New-Item")
def new_item(session: Session, parameters: Parameters) -> list[Any]:
    """-ItemType Directory only: a folder is where its files are, so there is nothing to do."""
    path = parameters.text("Path")
    with session.world.locked():
        if session.world.volume_of(session.cluster, path) is None:
            raise missing(parameters, path)
    return [{"FullName": path, "Name": path.rpartition("\\")[2]}]


@cmdlet("Copy-Item")
def copy_item(session: Session, parameters: Parameters) -> list[Any]:
    path = _source(parameters)
    with session.world.locked():
        try:
            files.copy(session.world, session.cluster, path, parameters.text("Destination"))
        except files.NoSuchPath:
            raise missing(parameters, path) from None
        except files.NoRoom:
            raise full(parameters) from None
    return []


@cmdlet("Move-Item")
def move_item(session: Session, parameters: Parameters) -> list[Any]:
    path = _source(parameters)
    with session.world.locked():
        try:
            files.move(session.world, session.cluster, path, parameters.text("Destination"))
        except files.NoSuchPath:
            raise missing(parameters, path) from None
    return []


@cmdlet("Get-FileHash")
def get_file_hash(session: Session, parameters: Parameters) -> list[Any]:
    path = _source(parameters)
    with session.world.locked():
        try:
            _, name, file = files.find(session.world, session.cluster, path)
        except files.NoSuchPath:
            raise missing(parameters, path) from None
    return [{"Algorithm": "SHA256", "Hash": (file.sha256 or "").upper(), "Path": name}]

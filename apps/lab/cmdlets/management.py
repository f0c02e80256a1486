"""Microsoft.PowerShell.Management and Core: files on volumes, modules."""

from __future__ import annotations

from typing import Any

from apps.lab.cmdlets import cmdlet
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.world import files

MODULES = ("Hyper-V", "FailoverClusters", "HgsClient")


@cmdlet("Get-Module")
def get_module(session: Session, parameters: Parameters) -> list[Any]:
    """-ListAvailable: what a guarded host of a cluster has."""
    names = [str(name).casefold() for name in parameters.many("Name")]
    return [{"Name": name} for name in MODULES if not names or name.casefold() in names]


@cmdlet("Test-Path")
def test_path(session: Session, parameters: Parameters) -> list[Any]:
    path = parameters.text("LiteralPath") or parameters.text("Path")
    with session.world.locked():
        return [bool(_below(session, path))]


@cmdlet("Remove-Item")
def remove_item(session: Session, parameters: Parameters) -> list[Any]:
    """A file, or with -Recurse a folder and all below it."""
    path = parameters.text("LiteralPath") or parameters.text("Path")
    with session.world.locked():
        found = _below(session, path)
        if not found:
            raise parameters.error(
                f"Cannot find path '{path}' because it does not exist.",
                "ObjectNotFound",
                "PathNotFound",
            )
        volume = session.world.volume_of(session.cluster, path)
        for name in found:
            if volume:
                del volume.files[name]
        session.world.changed()
        files.sweep(session.world)
    return []


def _below(session: Session, path: str) -> list[str]:
    """Files at a path, or in the folder that it names."""
    volume = session.world.volume_of(session.cluster, path)
    if volume is None:
        return []
    folded = path.rstrip("\\").casefold()
    return [
        name
        for name in volume.files
        if name.casefold() == folded or name.casefold().startswith(folded + "\\")
    ]

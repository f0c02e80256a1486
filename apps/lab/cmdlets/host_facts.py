"""What a host says of itself: commands, WinRM's settings, the registry's .NET, folders' rights."""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apps.lab.cmdlets import cim_cmdlets, cmdlet
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.wsman.config import settings

TABLE = Path(__file__).resolve().parents[3] / "tests/data/powershell-cmdlets.json.gz"
DOTNET_4_8 = 528449  # as Windows Server 2022 has it
DOTNET_KEY = r"HKLM:\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full"
#: What Start-HostJob leaves: administrators own it, they and the system alone may use it.
PRIVATE = "O:BAG:SYD:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)"
#: Of classes that a host may have no object of.
_PROPERTIES = {
    ("root/virtualization/v2", "msvm_securitysettingdata"): (
        "InstanceID", "TpmEnabled", "KsdEnabled", "ShieldingRequested", "DataProtectionRequested",
    ),
    ("root/mscluster", "mscluster_resource"): (
        "Name", "Type", "OwnerGroup", "OwnerNode", "State", "PrivateProperties",
    ),
}  # fmt: skip


@functools.cache
def _documented() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Name, module and parameters of every cmdlet that Microsoft documents, by folded name."""
    modules = json.loads(gzip.decompress(TABLE.read_bytes()))["modules"]
    return {
        name.casefold(): (name, module, facts.get("parameters", {}))
        for module, rows in modules.items()
        for name, facts in rows.items()
    }


@cmdlet("Get-Command")
def get_command(session: Session, parameters: Parameters) -> list[Any]:
    """What Microsoft documents, save what this host lacks ("Get-VM", or "Get-VM -Id")."""
    found = _documented().get(parameters.text("Name").casefold())
    lacks = session.node.lacks
    if found is None or found[0] in lacks:
        raise parameters.error(
            f"The term '{parameters.text('Name')}' is not recognized as the name of a cmdlet, "
            "function, script file, or operable program.",
            "ObjectNotFound",
            "CommandNotFoundException",
        )
    name, module, known = found
    own = {
        key: {"Name": key, "Aliases": list(facts.get("aliases", ()))}
        for key, facts in known.items()
        if f"{name} -{key}" not in lacks
    }
    return [{"Name": name, "ModuleName": module, "Parameters": own}]


@cmdlet("Get-WSManInstance")
def get_wsman_instance(session: Session, parameters: Parameters) -> list[Any]:
    """-ResourceURI winrm/config or winrm/config/winrs: text, as its XML has it."""
    uri = parameters.text("ResourceURI").casefold()
    told = settings(session.node.doors)
    if uri == "winrm/config":
        return [{key: str(value) for key, value in told.items() if not isinstance(value, Mapping)}]
    if uri == "winrm/config/winrs" and isinstance(winrs := told["Winrs"], Mapping):
        return [{key: str(value) for key, value in winrs.items()}]
    raise parameters.error(
        "The WS-Management service cannot process the request. The resource URI is not supported.",
        "InvalidOperation",
        "WSManError",
    )


@cmdlet("Get-ItemProperty")
def get_item_property(session: Session, parameters: Parameters) -> list[Any]:
    """The registry's key of the installed .NET Framework; there is no other."""
    path = parameters.text("LiteralPath")
    if path.casefold() != DOTNET_KEY.casefold():
        raise _missing(parameters, path)
    return [{"Release": DOTNET_4_8}]


@cmdlet("Get-Item")
def get_item(session: Session, parameters: Parameters) -> list[Any]:
    """A file on one of the volumes."""
    path = parameters.text("LiteralPath")
    with session.world.locked():
        volume = session.world.volume_of(session.cluster, path)
        if volume is None or path.casefold() not in {name.casefold() for name in volume.files}:
            raise _missing(parameters, path)
    return [{"FullName": path}]


@cmdlet("Get-Acl")
def get_acl(session: Session, parameters: Parameters) -> list[Any]:
    """The folders that detached jobs have made."""
    path = parameters.text("LiteralPath").replace("/", "\\")
    name = path.rpartition("\\")[2]
    with session.world.locked():
        jobs = [key for key in session.world.jobs if key.startswith(f"{session.host_name}/")]
    is_there = f"{session.host_name}/{name}" in jobs or (name == "FabricPortal" and jobs)
    if not is_there:
        raise _missing(parameters, path)
    return [{"Path": path, "Sddl": PRIVATE}]


def _missing(parameters: Parameters, path: str) -> CmdletError:
    kind = parameters.cmdlet.replace("-", "")
    return parameters.missing(
        f"Cannot find path '{path}' because it does not exist.",
        f"PathNotFound,Microsoft.PowerShell.Commands.{kind}Command",
    )


@cmdlet("Get-CimClass")
def get_cim_class(session: Session, parameters: Parameters) -> list[Any]:
    """-Namespace, -ClassName: the members by which the portal's scripts ask."""
    namespace = parameters.text("Namespace", "root/cimv2").replace("\\", "/").casefold()
    name = parameters.text("ClassName").casefold()
    key = (namespace, name)
    methods = {row[2] for row in cim_cmdlets.METHODS if row[:2] == key}
    if f"{namespace}/{name}" in session.node.lacks or (
        key not in cim_cmdlets.CLASSES and not methods
    ):
        raise parameters.error("Not found ", "ObjectNotFound", "HRESULT 0x80041002")
    return [
        {
            "CimClassName": parameters.text("ClassName"),
            "CimClassMethods": [{"Name": one} for one in sorted(methods)],
            "CimClassProperties": [{"Name": one} for one in _PROPERTIES.get(key, ())],
        }
    ]

"""What the portal's scripts ask of a host: commands with their parameters, WMI classes.

`python -m scripts.host_needs` writes apps/fabric/host_checks/needs.json from what a PowerShell
engine's parser finds in the scripts (FABRIC_PWSH names the engine); run it after changing one.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NEEDS = ROOT / "apps/fabric/host_checks/needs.json"
TABLE = ROOT / "tests/data/powershell-cmdlets.json.gz"
#: Parameters in a splatted hashtable, which a parser can't follow: by script and command.
SPLATTED = {("New-DeploymentVM", "New-VM"): ("SwitchName",)}
#: Properties whose absence no error of a script would tell, as they are asked for on objects that
#: a host may have none of.
PROPERTIES = {
    ("root/virtualization/v2", "Msvm_SecuritySettingData"): (
        "DataProtectionRequested", "InstanceID", "ShieldingRequested", "TpmEnabled",
    ),
    ("root/MSCluster", "MSCluster_Resource"): ("OwnerGroup", "PrivateProperties", "Type"),
}  # fmt: skip
#: Methods of an object that was read before: the class isn't in the same command.
OF_OBJECTS = {
    "SetSecurityPolicy": ("root/virtualization/v2", "Msvm_SecurityService"),
    "Terminate": ("root/cimv2", "Win32_Process"),
}
_CLASS = re.compile(
    r"(?:-Namespace '(?P<namespace>[^']+)' )?-ClassName '?(?P<name>\w+)'?"
    r"(?: -MethodName '?(?P<method>\w+)'?)?"
)
_OBJECT_METHOD = re.compile(r"-InputObject \$\w+ -MethodName '?(\w+)'?")


def scripts() -> list[Path]:
    return sorted((ROOT / "apps").glob("*/scripts/*.ps1"))


def analysis(engine: str) -> dict[str, Any]:
    """What the engine's parser finds in each script, by the script's name."""
    done = subprocess.run(
        [engine, "-Analyze", *map(str, scripts())], capture_output=True, check=True, timeout=120
    )
    return {Path(file["path"]).stem: file for file in json.loads(done.stdout)["files"]}


def commands(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Module, command and parameters, sorted. Raises LookupError for what isn't documented."""
    table = json.loads(gzip.decompress(TABLE.read_bytes()))
    homes = {name.casefold(): (m, name) for m, row in table["modules"].items() for name in row}
    common = {name.casefold() for name in table["common_parameters"]}
    used: dict[tuple[str, str], set[str]] = {}
    for script, file in found.items():
        own = {function["name"].casefold() for function in file["functions"]}
        for call in file["commands"]:
            name = str(call["resolved"] or call["name"] or "").casefold()
            if not name or name in own:
                continue
            known = used.setdefault(homes[name], set())
            known |= {p for p in call["parameters"] if p.casefold() not in common}
            if call["splatted"]:
                known |= set(SPLATTED[script, homes[name][1]])
    return [
        {"module": module, "command": name, "parameters": sorted(parameters)}
        for (module, name), parameters in sorted(used.items())
    ]


def classes(texts: list[str]) -> list[dict[str, Any]]:
    """Namespace, class, methods and properties, sorted."""
    used: dict[tuple[str, str], set[str]] = {}
    for text in texts:
        for match in _CLASS.finditer(text):
            key = (match["namespace"] or "root/cimv2", match["name"])
            used.setdefault(key, set()).update({match["method"]} - {None})
        for method in _OBJECT_METHOD.findall(text):
            used.setdefault(OF_OBJECTS[method], set()).add(method)
    return [
        {"namespace": namespace, "class": name, "methods": sorted(methods),
         "properties": sorted(PROPERTIES.get((namespace, name), ()))}
        for (namespace, name), methods in sorted(used.items())
    ]  # fmt: skip


def needs(engine: str) -> dict[str, Any]:
    """The document of needs.json."""
    texts = [path.read_text(encoding="utf-8") for path in scripts()]
    return {"commands": commands(analysis(engine)), "classes": classes(texts)}


def written(document: dict[str, Any]) -> str:
    """One row a line, so that a change shows as one."""
    parts = [
        f'"{key}": [\n' + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]"
        for key, rows in document.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    NEEDS.write_text(written(needs(os.environ["FABRIC_PWSH"])), encoding="utf-8")

"""Why shielding data applies to a template disk or doesn't: what it accepts, what the disk has.

Both are what a host read. The verdict is Windows' own (Test-ShieldingDataApplicability): it applies
where one qualifier agrees in name, signer and version with the disk's signed catalog.
"""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.library import versions
from apps.library.models import Pair

RULES = {
    "equals": "exactly {}",
    "greater-than": "newer than {}",
    "greater-than-or-equals": "{} or newer",
}


@dataclass(frozen=True)
class Part:
    """One thing that is compared; `ok` is null where it can't be."""

    label: str
    accepted: str
    found: str
    ok: bool | None
    code: bool = False


@dataclass(frozen=True)
class Comparison:
    """One qualifier of the shielding data beside the disk's catalog."""

    parts: tuple[Part, ...]

    @property
    def ok(self) -> bool:
        return all(part.ok for part in self.parts)


def of(pair: Pair) -> list[Comparison]:
    """A comparison for each qualifier; the ones that agree most come first."""
    catalog = pair.template_disk.catalog or {}
    found = [_compare(one, catalog) for one in pair.shielding_data.qualifiers]
    return sorted(found, key=lambda one: -sum(bool(part.ok) for part in one.parts))


def _compare(qualifier: Mapping[str, Any], catalog: Mapping[str, Any]) -> Comparison:
    name, has_name = str(qualifier["name"]), str(catalog.get("name") or "")
    signer = str(qualifier["signer_thumbprint"])
    has_signer = str(catalog.get("signer_thumbprint") or "")
    rule, wanted = str(qualifier["version_rule"]), str(qualifier["version"])
    version = str(catalog.get("version") or "")
    known = bool(catalog)
    return Comparison(
        (
            # -like, as in Test-PairApplicability.ps1
            Part("Name", name, has_name,
                 fnmatch.fnmatchcase(has_name.casefold(), name.casefold()) if known else None),
            Part("Signer’s certificate", signer, has_signer,
                 signer.lower() == has_signer.lower() if known else None, code=True),
            Part("Version", RULES.get(rule, f"{rule} {{}}").format(wanted), version,
                 accepts(rule, wanted, version) if known else None),
        )
    )  # fmt: skip


def accepts(rule: str, wanted: str, version: str) -> bool | None:
    """Whether a version rule accepts a version; None where one of them is no version."""
    one, other = versions.number(version), versions.number(wanted)
    if one is None or other is None:
        return None
    return {
        "equals": one == other,
        "greater-than": one > other,
        "greater-than-or-equals": one >= other,
    }.get(rule)

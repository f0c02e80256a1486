"""What a host says of a file, in the library's words; the portal itself never reads such a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.library.choices import POLICIES, PURPOSES, VERSION_RULES, Kind
from apps.library.models import LibraryItem
from apps.operations.errors import OperationFailed
from apps.remoting.errors import ScriptRefused

#: Error ids of a host that lacks what reads such files: its fault, never the file's.
_UNFIT = ("CommandNotFound", "ModuleNotFound", "CouldNotAutoloadMatchingModule", "0x8004100E",
          "0x80041010", "0x80041002")  # fmt: skip
_UNFIT_CATEGORIES = frozenset(
    {"ResourceUnavailable", "ResourceBusy", "PermissionDenied", "SecurityError",
     "ConnectionError", "OperationTimeout", "OperationStopped", "NotInstalled", "NotEnabled"}
)  # fmt: skip
_REFUSALS = {
    Kind.TEMPLATE_DISK: (
        "unsigned",
        "Windows found no intact volume signature catalog in the disk.",
        "Protect the template again with Protect-TemplateDisk, then upload the result.",
    ),
    Kind.SHIELDING_DATA: (
        "not-shielding-data",
        "Windows can’t read the file as a shielding data file.",
        "Make it anew with New-ShieldingDataFile or the shielding data file wizard, and upload it.",
    ),
}


@dataclass(frozen=True)
class Refusal:
    """Why a host refused a file; the shape of a problem, with Windows' own words."""

    code: str
    message: str
    fix: str
    host_message: str

    def as_dict(self) -> dict[str, str]:
        return {
            "code": self.code,
            "message": self.message,
            "fix": self.fix,
            "host_message": self.host_message,
        }


def refusal(item: LibraryItem, refused: ScriptRefused, host: str) -> Refusal:
    """The refusal that a host's error stands for. Raises OperationFailed where the error is about
    the host: another one may read the file.
    """
    if refused.category in _UNFIT_CATEGORIES or any(one in refused.error_id for one in _UNFIT):
        raise OperationFailed(
            "host-unfit",
            f"{host} can’t look into such files.",
            "Install the Host Guardian Hyper-V Support and Shielded VM Tools features on it.",
            refused.host_message,
        )
    code, message, fix = _REFUSALS[Kind(item.noun)]
    return Refusal(code, f"{message} It says: {refused.host_message}", fix, refused.host_message)


def of_template(told: Mapping[str, Any]) -> dict[str, Any]:
    """The document of Get-TemplateDiskFacts as fields of a template disk."""
    try:
        catalog = told["catalog"]
        return {
            "catalog": {
                "name": str(catalog["name"]),
                "version": str(catalog["version"]),
                "signer_thumbprint": str(catalog["signer_thumbprint"]),
            },
            "catalog_sha256": str(told["catalog_sha256"]).lower(),
        }
    except (KeyError, TypeError) as error:
        raise _unreadable("Get-TemplateDiskFacts") from error


def of_shielding_data(told: Mapping[str, Any]) -> dict[str, Any]:
    """The document of Get-ShieldingDataFacts as fields of shielding data."""
    try:
        return {
            "policy": POLICIES[told["policy"]],
            "purpose": PURPOSES[told["purpose"]],
            "owner": _guardian(told["owner"]),
            "guardians": [_guardian(one) for one in told["guardians"]],
            "qualifiers": [_qualifier(one) for one in told["qualifiers"]],
            "substitution_keys": [str(key) for key in told["substitution_keys"]],
        }
    except (KeyError, TypeError) as error:
        raise _unreadable("Get-ShieldingDataFacts") from error


def _guardian(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": str(told["name"]), "thumbprints": [str(one) for one in told["thumbprints"]]}


def _qualifier(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": str(told["name"]),
        "version_rule": VERSION_RULES[told["version_rule"]],
        "version": str(told["version"]),
        "signer_thumbprint": str(told["signer_thumbprint"]),
    }


def _unreadable(script: str) -> OperationFailed:
    return OperationFailed(
        "bad-reply",
        f"{script} answered with something else than it should.",
        "See the operation’s script and the portal’s version.",
    )

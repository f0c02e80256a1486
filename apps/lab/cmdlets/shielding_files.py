"""ShieldedVMDataFile and root/msps: what Windows reads of catalogs and shielding data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apps.lab.cmdlets import cim_cmdlets, cmdlet
from apps.lab.cmdlets.errors import CmdletError
from apps.lab.cmdlets.session import Parameters, Session
from apps.lab.files import pdk, protector, shielding, signed, vsc
from apps.lab.files.pdk import LabParty, LabPdk
from apps.lab.files.protector import Party
from apps.lab.files.template import NoCatalog
from apps.lab.files.vhdx import DiskError
from apps.lab.files.vsc import LabVsc
from apps.lab.world import files

NOT_FOUND = "The system cannot find the file specified. (Exception from HRESULT: 0x80070002)"
NO_CATALOG = (
    "The volume signature catalog could not be found on the template disk. Element not found. "
    "(Exception from HRESULT: 0x80070490)"
)
NOT_A_DISK = (
    "The file or directory is corrupted and unreadable. (Exception from HRESULT: 0x80070570)"
)
NOT_PROVISIONING = "The data is invalid. (Exception from HRESULT: 0x8007000D)"
BAD_SIGNATURE = (
    "The digital signature of the object did not verify. (Exception from HRESULT: 0x80096010)"
)
LARGEST = signed.LARGEST


# ---- ShieldedVMDataFile, ShieldedVMProvisioning
@cmdlet("Save-VolumeSignatureCatalog")
def save_volume_signature_catalog(session: Session, parameters: Parameters) -> list[Any]:
    world, cluster = session.world, session.cluster
    disk = _bytes_of(session, parameters, parameters.text("TemplateDiskPath"))
    try:
        content = vsc.saved_from_disk(disk, world.blob_folder.parent)
    except NoCatalog:
        raise parameters.error(NO_CATALOG, "InvalidData", "0x80070490") from None
    except signed.Tampered:
        raise parameters.error(BAD_SIGNATURE, "InvalidData", "0x80096010") from None
    except (DiskError, ValueError, OSError):
        raise parameters.error(NOT_A_DISK, "InvalidData", "0x80070570") from None
    try:
        with world.locked():
            files.put(world, cluster, parameters.text("VolumeSignatureCatalogPath"), content)
    except files.NoSuchPath:
        raise parameters.error(NOT_FOUND, "ObjectNotFound", "0x80070003") from None
    return []


@cmdlet("Import-ShieldingDataFile")
def import_shielding_data_file(session: Session, parameters: Parameters) -> list[Any]:
    """The names of the values that the answer file asks for come with the lab's files only."""
    data = read_pdk(session, parameters, parameters.text("ShieldingDataFilePath"))
    return [{"Policy": data.policy, "SubstitutionKeys": list(data.substitution_keys)}]


@cmdlet("Test-ShieldingDataApplicability")
def test_shielding_data_applicability(session: Session, parameters: Parameters) -> list[Any]:
    data = read_pdk(session, parameters, parameters.text("ShieldingDataFilePath"))
    catalog = read_vsc(session, parameters, parameters.text("VolumeSignatureCatalogPath"))
    return [data.applies_to(catalog)]


@cmdlet("ConvertTo-HgsKeyProtector")
def convert_to_hgs_key_protector(session: Session, parameters: Parameters) -> list[Any]:
    raw = bytes(parameters.many("Bytes"))
    try:
        found = protector.read(raw)
    except signed.Tampered:
        raise parameters.error(NOT_PROVISIONING, "InvalidData", "0x8007000D") from None
    guardians = [_guardian(party) for party in found.guardians]
    return [{"Owner": _guardian(found.owner), "Guardians": guardians, "RawData": list(raw)}]


def _guardian(party: Party) -> dict[str, Any]:
    """MSFT_HgsGuardian."""
    return {
        "Name": LabParty.of(party).name,
        "SigningCertificate": list(party.signing),
        "EncryptionCertificate": list(party.encryption),
        "HasPrivateSigningKey": False,
    }


# ---- root/msps
def populate_from_file(session: Session, parameters: Parameters) -> list[Any]:
    """Msps_ProvisioningFileProcessor.PopulateFromFile: a Msps_VSC or Msps_PDK."""
    path = str((parameters.get("Arguments") or {}).get("FilePath", ""))
    content = _content(session, parameters, path)
    found = _read(parameters, content)
    row = _vsc_object(found) if isinstance(found, LabVsc) else _pdk_object(found)
    return [{"ReturnValue": 0, "ProvisioningFile": {**row, "RawData": list(content)}}]


def _vsc_object(catalog: LabVsc) -> dict[str, Any]:
    return {
        "VolumeID": catalog.name,
        "Version": catalog.version,
        "Certificate": list(catalog.certificate),
    }


def _pdk_object(data: LabPdk) -> dict[str, Any]:
    return {
        "KeyProtector": list(data.key_protector),
        "VolumeIDFilters": [
            {
                "VolumeID": row.name,
                "Version": row.version,
                "Certificate": list(row.certificate),
                "VersionRule": shielding.RULES.index(row.version_rule),
            }
            for row in data.qualifiers
        ],
        "PolicyData": list(data.policy.encode()),
    }


# ---- reading
def read_vsc(session: Session, parameters: Parameters, path: str) -> LabVsc:
    """The catalog in a file of a volume; CmdletError in Windows' words for anything else."""
    found = _read(parameters, _content(session, parameters, path))
    if not isinstance(found, LabVsc):
        raise _invalid(parameters)
    return found


def read_pdk(session: Session, parameters: Parameters, path: str) -> LabPdk:
    """The shielding data in a file of a volume; CmdletError in Windows' words for anything else."""
    found = _read(parameters, _content(session, parameters, path))
    if not isinstance(found, LabPdk):
        raise _invalid(parameters)
    return found


def _bytes_of(session: Session, parameters: Parameters, path: str) -> Path:
    """The blob of a file; a file that is only a size has nothing that could be read."""
    with session.world.locked():
        try:
            _, _, file = files.find(session.world, session.cluster, path)
        except files.NoSuchPath:
            raise parameters.error(NOT_FOUND, "ObjectNotFound", "0x80070002") from None
        found = files.blob(session.world, file)
    if found is None:
        raise parameters.error(NOT_A_DISK, "InvalidData", "0x80070570")
    return found


def _content(session: Session, parameters: Parameters, path: str) -> bytes:
    blob = _bytes_of(session, parameters, path)
    if blob.stat().st_size > LARGEST:
        raise _invalid(parameters)
    return blob.read_bytes()


def _read(parameters: Parameters, content: bytes) -> LabVsc | LabPdk:
    try:
        for load in (vsc.load, pdk.load):
            try:
                return load(content)
            except signed.NotThis:
                continue
    except signed.Tampered:
        raise parameters.error(BAD_SIGNATURE, "InvalidData", "0x80096010") from None
    raise _invalid(parameters)


def _invalid(parameters: Parameters) -> CmdletError:
    return parameters.error(NOT_PROVISIONING, "InvalidData", "0x8007000D")


cim_cmdlets.register_method(
    "root/msps", "Msps_ProvisioningFileProcessor", "PopulateFromFile", populate_from_file
)

"""The scripts of apps/library: a host fetches files, reads them, says what fits."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.lab import fetching
from apps.lab.cmdlets.errors import ScriptCancelled
from apps.lab.cmdlets.objects import matches
from apps.lab.fetching import FetchProblem
from apps.lab.handlers.common import text, thrown, unique
from apps.lab.identities import common_name, thumbprint
from apps.lab.world import File, files

if TYPE_CHECKING:
    from apps.lab.engine import HandlerContext

ATTEMPTS = 5
TELL_SECONDS = 1.0  # between two progress lines
RULES = ("Equals", "GreaterThan", "GreaterThanOrEquals")
RULE_WORDS = ("exactly", "newer than", "at least")


# ---- Receive-Content
class _Fetch:
    """One run of the script; `part` are the bytes of Destination + ".part"."""

    def __init__(
        self, ctx: HandlerContext, url: str, sha256: str, size: int, path: str, ca: str,
        patience: int,
    ) -> None:  # fmt: skip
        self.ctx, self.world, self.cluster = ctx, ctx.world, ctx.session.cluster
        self.url, self.sha256, self.size, self.path, self.ca = url, sha256.lower(), size, path, ca
        key = f"{self.cluster.name}/{path.casefold()}"
        name = hashlib.sha256(key.encode()).hexdigest()
        self.part = self.world.blob_folder / f"{name}{files.PART}"
        self._told = self._silent = time.monotonic()
        self.patience, self._cuts, self._wrong = patience, 0, 0

    def run(self) -> bool:
        """Brings the file; whether it was there already."""
        if self._is_right(self._there()):
            return True
        while not self._is_right(self.part):
            if self._length() >= self.size:
                self.part.unlink(missing_ok=True)
            if self._wrong >= ATTEMPTS:
                raise thrown(
                    "What came from the portal is not the file that was announced, five times: its "
                    "size or SHA-256 differs."
                )
            self._assert_space()
            self._attempt()
        with self.world.locked():
            self._show(None)
            files.adopt(self.world, self.cluster, self.path, self.part, self.sha256)
            files.sweep(self.world)
        return False

    def _there(self) -> Path | None:
        """The bytes of the file, where it is there already."""
        with self.world.locked():
            try:
                _, _, file = files.find(self.world, self.cluster, self.path)
            except files.NoSuchPath:
                return None
            return files.blob(self.world, file)

    def _show(self, part: Path | None) -> None:
        """Has the unfinished file be seen on the volume, or not any more. Under the lock."""
        volume = files.volume_at(self.world, self.cluster, self.path)
        volume.files.pop(f"{self.path}{files.PART}", None)
        if part is not None:
            row = File(part.stat().st_size, None, part.name)
            volume.files[f"{self.path}{files.PART}"] = row
        self.world.changed()

    def _length(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _is_right(self, file: Path | None) -> bool:
        if file is None or not file.exists() or file.stat().st_size != self.size:
            return False
        return files.sha256_of(file) == self.sha256

    def _assert_space(self) -> None:
        needed = self.size - self._length()
        rows = self.ctx.run("Get-ClusterSharedVolume")
        for info in (row["SharedVolumeInfo"][0] for row in rows):
            if not self.path.casefold().startswith(info["FriendlyVolumeName"].casefold() + "\\"):
                continue
            free = info["Partition"]["FreeSpace"]
            if free < needed:
                raise thrown(
                    f"There is not enough space on the volume: {needed} bytes are needed, {free} "
                    "are free."
                )
            return
        raise thrown(f"Could not find a part of the path '{self.path}.part'.")

    def _attempt(self) -> None:
        self.part.touch()
        before = self._length()
        self._show_part()
        try:
            fetching.fetch(
                self.url, self.part, self.size,
                source_address=self.ctx.session.node.address,
                context=lambda: fetching.trust(self.ca, self.world.authority),
                on_piece=self._on_piece,
            )  # fmt: skip
            self._wrong += 1
        except FetchProblem as problem:
            self._be_patient(problem, has_come=self._length() > before)
        finally:
            self._show_part()

    def _be_patient(self, problem: FetchProblem, *, has_come: bool) -> None:
        if 400 <= problem.status < 500:
            raise thrown(
                f"The portal does not give the file any more (HTTP {problem.status}). It has "
                "to be asked for again."
            )
        if has_come:
            self._cuts, self._silent = 0, time.monotonic()
        self._cuts += 1
        if self._cuts >= ATTEMPTS and time.monotonic() - self._silent >= self.patience:
            raise thrown(f"The file could not be fetched from the portal: {problem}")
        self._tell(f"The connection to the portal was cut; trying again: {problem}")
        self.ctx.session.pause(min(30.0, 0.3 * self._cuts))

    def _on_piece(self, done: int) -> None:
        if self.ctx.session.cancelled.is_set() or self.world.closed:
            raise ScriptCancelled("cancelled while fetching")
        if time.monotonic() - self._told > TELL_SECONDS:
            self._told = time.monotonic()
            self._tell(f"Received {done} of {self.size} bytes")

    def _show_part(self) -> None:
        with self.world.locked():
            self._show(self.part if self.part.exists() else None)

    def _tell(self, message: str) -> None:
        self._show_part()
        self.ctx.progress(min(99, 100 * self._length() // self.size), message)


def receive_content(
    ctx: HandlerContext,
    Url: str,
    Sha256: str,
    SizeBytes: int,
    Destination: str,
    CaCertificate: str = "",
    PatienceSeconds: int = 0,
) -> dict[str, Any]:
    fetch = _Fetch(ctx, Url, Sha256, SizeBytes, Destination, CaCertificate, PatienceSeconds)
    reused = fetch.run()
    return {
        "path": Destination,
        "sha256": Sha256.lower(),
        "size_bytes": SizeBytes,
        "reused": reused,
    }


# ---- what files say
def _provisioning_file(ctx: HandlerContext, path: str) -> dict[str, Any]:
    read = ctx.one(
        "Invoke-CimMethod",
        Namespace="root/msps",
        ClassName="Msps_ProvisioningFileProcessor",
        MethodName="PopulateFromFile",
        Arguments={"FilePath": path},
    )
    found: dict[str, Any] = read["ProvisioningFile"]
    return found


def get_template_disk_facts(ctx: HandlerContext, Path: str, CatalogPath: str) -> dict[str, Any]:
    if ctx.one("Test-Path", LiteralPath=CatalogPath):
        ctx.run("Remove-Item", LiteralPath=CatalogPath, Force=True)
    ctx.run(
        "Save-VolumeSignatureCatalog",
        TemplateDiskPath=Path,
        VolumeSignatureCatalogPath=CatalogPath,
    )
    catalog = _provisioning_file(ctx, CatalogPath)
    if "VolumeID" not in catalog:
        raise thrown("What the disk holds is no volume signature catalog.")
    hashed = ctx.one("Get-FileHash", LiteralPath=CatalogPath, Algorithm="SHA256")
    return {
        "catalog": {
            "name": text(catalog["VolumeID"]),
            "version": text(catalog["Version"]),
            "signer_thumbprint": thumbprint(bytes(catalog["Certificate"])),
        },
        "catalog_sha256": text(hashed["Hash"]).lower(),
    }


def get_shielding_data_facts(ctx: HandlerContext, Path: str) -> dict[str, Any]:
    file = _provisioning_file(ctx, Path)
    if "KeyProtector" not in file:
        raise thrown("The file is no shielding data file.")
    protector = ctx.one("ConvertTo-HgsKeyProtector", Bytes=file["KeyProtector"])
    data = ctx.one("Import-ShieldingDataFile", ShieldingDataFilePath=Path)
    if "Policy" not in data:
        raise thrown("This version of Windows does not tell the policy of a shielding data file.")
    qualifiers = [
        {
            "name": text(row["VolumeID"]),
            "version_rule": RULES[row["VersionRule"]],
            "version": text(row["Version"]),
            "signer_thumbprint": thumbprint(bytes(row["Certificate"])),
        }
        for row in file["VolumeIDFilters"]
    ]
    return {
        "policy": text(data["Policy"]),
        "purpose": "NewVM" if qualifiers else "ExistingVM",
        "owner": _party(protector["Owner"]),
        "guardians": [_party(row) for row in protector["Guardians"]],
        "qualifiers": qualifiers,
        "substitution_keys": [text(key) for key in data.get("SubstitutionKeys", [])],
    }


def _party(guardian: dict[str, Any]) -> dict[str, Any]:
    signing = bytes(guardian["SigningCertificate"])
    return {
        "name": text(guardian["Name"]) or common_name(signing),
        "thumbprints": [thumbprint(signing), thumbprint(bytes(guardian["EncryptionCertificate"]))],
    }


def test_pair_applicability(
    ctx: HandlerContext, CatalogPath: str, ShieldingDataPath: str
) -> dict[str, Any]:
    fits = ctx.one(
        "Test-ShieldingDataApplicability",
        ShieldingDataFilePath=ShieldingDataPath,
        VolumeSignatureCatalogPath=CatalogPath,
    )
    if fits:
        return _verdict(
            "applies", "The template disk is one that the shielding data was made for.", True
        )
    catalog = _provisioning_file(ctx, CatalogPath)
    return _difference(catalog, _provisioning_file(ctx, ShieldingDataPath)["VolumeIDFilters"])


def _difference(catalog: dict[str, Any], filters: list[dict[str, Any]]) -> dict[str, Any]:
    name = catalog["VolumeID"]
    named = [row for row in filters if matches(name, row["VolumeID"])]
    signed = [row for row in named if row["Certificate"] == catalog["Certificate"]]
    if not filters:
        return _verdict(
            "no-qualifiers",
            "The shielding data is for virtual machines that exist already; it names no template "
            "disk.",
        )
    if not named:
        names = ", ".join(unique([f"'{row['VolumeID']}'" for row in filters]))
        return _verdict(
            "name-differs", f"The shielding data was made for {names}, not for '{name}'."
        )
    if not signed:
        signer = thumbprint(bytes(catalog["Certificate"]))
        return _verdict(
            "signer-differs",
            f"The template disk was signed with the certificate {signer}, which the shielding data "
            "does not accept.",
        )
    words = " or ".join(f"{RULE_WORDS[row['VersionRule']]} {row['Version']}" for row in signed)
    return _verdict(
        "version-differs",
        f"The shielding data accepts version {words} of '{name}'; the template disk has "
        f"{catalog['Version']}.",
    )


def _verdict(code: str, message: str, applicable: bool = False) -> dict[str, Any]:
    return {"applicable": applicable, "code": code, "message": message}


def remove_staged_file(ctx: HandlerContext, Paths: list[str]) -> dict[str, Any]:
    removed = []
    for path in Paths:
        for one in (path, f"{path}.part"):
            if ctx.one("Test-Path", LiteralPath=one):
                ctx.run("Remove-Item", LiteralPath=one, Force=True)
                removed.append(one)
    return {"removed": removed}


HANDLERS = {
    "Receive-Content": receive_content,
    "Get-TemplateDiskFacts": get_template_disk_facts,
    "Get-ShieldingDataFacts": get_shielding_data_facts,
    "Test-PairApplicability": test_pair_applicability,
    "Remove-StagedFile": remove_staged_file,
}

"""Pairs of template disk and shielding data to try a portal with: good, mismatched, tampered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from defusedxml import ElementTree

from apps.lab.files import keys, shielding, signed, template
from apps.lab.files.catalog import Catalog
from apps.lab.files.catalog import read as read_catalog
from apps.lab.files.protector import NAMESPACE, Party
from apps.lab.files.shielding import Qualifier

SIGNER = "Contoso Hosting Template Signing"
WORDS = {"Shielded": "shielded", "EncryptionSupported": "encryption-supported"}
_ANSWER_FILE = """<?xml version="1.0" encoding="utf-8"?>
<unattend xmlns="urn:schemas-microsoft-com:unattend">
  <settings pass="specialize">
    <component name="Microsoft-Windows-Shell-Setup" processorArchitecture="amd64">
{values}
    </component>
  </settings>
</unattend>
"""


@dataclass(frozen=True)
class Sample:
    """A pair as demo.json lists it. `tampered` names the file that was changed, if one was."""

    name: str
    template_disk: str
    shielding_data: str
    applies: bool
    tenant: str
    policy: str
    substitutions: list[str]
    tampered: str = ""


@dataclass(frozen=True)
class Product:
    """A template disk's name, and the values that its answer file asks for."""

    file: str
    name: str
    values: tuple[str, ...]


WINDOWS_2022 = Product(
    "windows-server-2022", "Windows Server 2022 Datacenter", ("ComputerName", "TimeZone")
)
WINDOWS_2019 = Product("windows-server-2019", "Windows Server 2019 Standard", ("ComputerName",))


class Workshop:
    """Makes files in `out`; keys come from the lab's folder, content from the seed."""

    def __init__(self, out: Path, lab_folder: Path, guardians: Sequence[Party], seed: int) -> None:
        self.out, self.lab_folder, self.guardians, self.seed = out, lab_folder, guardians, seed
        self.signer = keys.signer(lab_folder, SIGNER)
        self.version = f"1.0.{seed % 65536}.0"
        out.mkdir(parents=True, exist_ok=True)

    def all(self) -> list[Sample]:
        """What a demo needs, then what is wrong in every way that a host notices."""
        contoso, catalog = self.disk("contoso", WINDOWS_2022)
        fabrikam, other = self.disk("fabrikam", WINDOWS_2019)
        good = self._data("contoso-web", "contoso", "Shielded", WINDOWS_2022, [_equals(catalog)])
        made = [
            self._sample("contoso-web", contoso, good, "contoso", "Shielded", WINDOWS_2022),
            self._fabrikam(fabrikam, other),
            self._mismatch("contoso-other-template", contoso, _equals(other)),
            self._mismatch("contoso-newer-version", contoso, _rule(catalog, "GreaterThan")),
        ]
        return made + self._tampered(good, contoso)

    def disk(
        self, tenant: str, product: Product, *, tampered: bool = False
    ) -> tuple[Path, Catalog]:
        name = f"{tenant}-{product.file}{'-tampered' if tampered else ''}.vhdx"
        seed = f"{self.seed}/{tenant}/{product.file}"
        made = template.write(
            self.out / name, name=product.name, version=self.version, signer=self.signer,
            seed=seed, tampered=tampered,
        )  # fmt: skip
        return self.out / name, made

    def _data(
        self, name: str, tenant: str, policy: str, product: Product, qualifiers: list[Qualifier]
    ) -> Path:
        owner = keys.owner(self.lab_folder, tenant)
        path = self.out / f"{name}.pdk"
        path.write_bytes(
            shielding.write(owner, self.guardians, qualifiers, answer_file(product.values), policy)
        )
        return path

    def _sample(
        self, name: str, disk: Path, data: Path, tenant: str, policy: str, product: Product,
        *, applies: bool = True, tampered: str = "",
    ) -> Sample:  # fmt: skip
        values = [f"@{value}@" for value in product.values]
        return Sample(name, str(disk), str(data), applies, tenant, WORDS[policy], values, tampered)

    def _fabrikam(self, disk: Path, catalog: Catalog) -> Sample:
        policy, rule = "EncryptionSupported", _rule(catalog, "GreaterThanOrEquals")
        data = self._data("fabrikam-ledger", "fabrikam", policy, WINDOWS_2019, [rule])
        return self._sample("fabrikam-ledger", disk, data, "fabrikam", policy, WINDOWS_2019)

    def _mismatch(self, name: str, disk: Path, qualifier: Qualifier) -> Sample:
        data = self._data(name, "contoso", "Shielded", WINDOWS_2022, [qualifier])
        return self._sample(name, disk, data, "contoso", "Shielded", WINDOWS_2022, applies=False)

    def _tampered(self, good: Path, disk: Path) -> list[Sample]:
        """A disk whose volume was changed after signing, and shielding data with a bit turned."""
        changed, _ = self.disk("contoso", WINDOWS_2022, tampered=True)
        broken = self.out / "contoso-tampered.pdk"
        content = bytearray(good.read_bytes())
        content[len(content) // 2] ^= 1
        broken.write_bytes(bytes(content))
        return [
            self._sample("contoso-tampered-disk", changed, good, "contoso", "Shielded",
                         WINDOWS_2022, tampered="template-disk"),
            self._sample("contoso-tampered-data", disk, broken, "contoso", "Shielded",
                         WINDOWS_2022, applies=False, tampered="shielding-data"),
        ]  # fmt: skip

    def for_template(self, disk: Path, tenant: str, policy: str) -> Sample:
        """Shielding data for any protected template disk; raises as `template.opened` does."""
        with disk.open("rb") as file:
            raw = template.save_catalog(template.opened(file), keys.stand_in(self.lab_folder))
        catalog = read_catalog(raw)
        name = f"{disk.stem}-{tenant}"
        data = self._data(name, tenant, policy, WINDOWS_2022, [_equals(catalog)])
        return self._sample(name, disk.resolve(), data, tenant, policy, WINDOWS_2022)


def answer_file(values: Sequence[str]) -> str:
    lines = "\n".join(f"      <{value}>@{value}@</{value}>" for value in values)
    return _ANSWER_FILE.format(values=lines)


def _rule(catalog: Catalog, rule: str) -> Qualifier:
    return Qualifier(catalog.name, rule, catalog.version, catalog.certificate)


def _equals(catalog: Catalog) -> Qualifier:
    return _rule(catalog, "Equals")


def guardian_of_metadata(content: bytes) -> Party:
    """Both certificates of a guardian's metadata.xml; ValueError for anything else."""
    root = ElementTree.fromstring(content)
    found = [
        root.find(f".//{{{NAMESPACE}}}{kind}Certificate") for kind in ("Signing", "Encryption")
    ]
    if None in found:
        raise ValueError("the file is no metadata of a guardian service")
    signing, encryption = (
        signed.from_text((row.text or "").strip()) for row in found if row is not None
    )
    return Party(signing, encryption)


def write_listings(out: Path, made: Sequence[Sample]) -> None:
    """manifest.json tells of all pairs, samples.json of those that a demo offers."""
    rows = [asdict(sample) for sample in made]
    (out / "manifest.json").write_text(json.dumps(rows, indent=1) + "\n")
    offered = [
        {k: v for k, v in row.items() if k != "tampered"} for row in rows if not row["tampered"]
    ]
    (out / "samples.json").write_text(json.dumps(offered, indent=1) + "\n")

"""Template disks and shielding data that the lab makes: accepted where Windows' own would be."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from apps.lab import hgs
from apps.lab.files import keys, pdk, signed, template, vsc
from apps.lab.management.commands.lab import DEFAULT
from apps.lab.world import read
from apps.library.formats import template as portal
from tests.library.sources import FileSource


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def made(data_dir: Path) -> dict[str, dict[str, Any]]:
    out = data_dir / "out"
    call_command("lab_files", out=str(out), data_dir=str(data_dir), stdout=Quiet())
    return {row["name"]: row for row in json.loads((out / "manifest.json").read_text())}


class Quiet:
    """Somewhere for a command's words to go."""

    def write(self, text: str) -> None: ...


def _pdk(row: dict[str, Any]) -> pdk.LabPdk:
    return pdk.load(Path(row["shielding_data"]).read_bytes())


def _catalog(row: dict[str, Any], data_dir: Path) -> vsc.LabVsc:
    return vsc.catalog_of_disk(Path(row["template_disk"]), data_dir / "lab")


def test_each_disk_is_sound_small_and_accepted_by_the_portal(
    made: dict[str, dict[str, Any]],
) -> None:
    for path in {row["template_disk"] for row in made.values()}:
        checked = subprocess.run(
            ["qemu-img", "check", "--output=json", path], capture_output=True, check=True
        )
        told = subprocess.run(
            ["qemu-img", "info", "--output=json", path], capture_output=True, check=True
        )
        with FileSource(Path(path)) as source:
            facts = portal.inspect(source).as_dict()

        assert json.loads(checked.stdout)["check-errors"] == 0
        assert json.loads(told.stdout)["virtual-size"] == template.SIZE
        assert Path(path).stat().st_size <= 16 << 20
        assert facts["problems"] == []
        assert facts["container"]["allocation"] == "dynamic"
        assert [one["name"] for one in facts["partitions"]] == [
            "EFI system partition",
            "Microsoft reserved partition",
            "Basic data partition",
        ]
        assert "tpm" in facts["bitlocker"]["protectors"]
        assert facts["signature"]["evidence"]


def test_pairs_apply_as_the_manifest_says(made: dict[str, dict[str, Any]], data_dir: Path) -> None:
    whole = {name: row for name, row in made.items() if row.get("tampered") != "shielding-data"}
    found = {name: _pdk(row).applies_to(_catalog(row, data_dir)) for name, row in whole.items()}

    assert found == {name: row["applies"] for name, row in whole.items()}
    assert {(row["tenant"], row["policy"]) for row in whole.values() if row["applies"]} >= {
        ("contoso", "shielded"),
        ("fabrikam", "encryption-supported"),
    }
    assert False in found.values()


def test_shielding_data_names_the_guardian_services_that_the_lab_runs(
    made: dict[str, dict[str, Any]], data_dir: Path
) -> None:
    services = [hgs.keys_of(data_dir / "lab", guardian) for guardian in read(DEFAULT).guardians]
    data = _pdk(next(iter(made.values())))

    assert [one.thumbprints for one in data.guardians] == [
        (service.signing.thumbprint, service.encryption.thumbprint) for service in services
    ]
    assert data.data.answer_file(services[0].encryption) == data.data.answer_file(
        keys.owner(data_dir / "lab", "contoso").encryption
    )
    assert data.data.answer_file(keys.owner(data_dir / "lab", "fabrikam").encryption) is None


@pytest.mark.parametrize("where", [0.02, 0.3, 0.6, 0.99])
def test_a_byte_changed_anywhere_is_noticed(made: dict[str, dict[str, Any]], where: float) -> None:
    content = bytearray(Path(made["contoso-web"]["shielding_data"]).read_bytes())
    content[int(len(content) * where)] ^= 1

    with pytest.raises((signed.Tampered, signed.NotThis)):
        pdk.load(bytes(content))


def test_a_volume_changed_after_signing_has_another_hash(
    made: dict[str, dict[str, Any]], data_dir: Path
) -> None:
    fits = {}
    for name in ("contoso-web", "contoso-tampered-disk"):
        with Path(made[name]["template_disk"]).open("rb") as file:
            disk = template.opened(file)
            fits[name] = vsc.load(disk.vsc).hashes == disk.hashes()

    assert fits == {"contoso-web": True, "contoso-tampered-disk": False}


def test_shielding_data_is_made_for_a_disk_signed_by_windows(
    made: dict[str, dict[str, Any]], data_dir: Path, tmp_path: Path
) -> None:
    disk = tmp_path / "foreign.vhdx"
    content = Path(made["contoso-web"]["template_disk"]).read_bytes()
    magic = signed.first_line("VSC")
    disk.write_bytes(content.replace(magic, bytes(reversed(magic))))

    call_command(
        "lab_files", out=str(tmp_path), data_dir=str(data_dir), template=str(disk), stdout=Quiet()
    )
    [row] = json.loads((tmp_path / "manifest.json").read_text())
    catalog = vsc.catalog_of_disk(disk, data_dir / "lab")

    assert row["applies"]
    assert (catalog.version, catalog.signer_thumbprint) == (
        "1.0.0.0",
        keys.stand_in(data_dir / "lab").thumbprint,
    )
    assert _pdk(row).applies_to(catalog)


def test_a_disk_without_a_catalog_has_none(tmp_path: Path) -> None:
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img is not installed")
    blank = tmp_path / "blank.vhdx"
    subprocess.run(["qemu-img", "create", "-q", "-f", "vhdx", str(blank), "64M"], check=True)

    with pytest.raises(template.NoCatalog):
        vsc.catalog_of_disk(blank, tmp_path)

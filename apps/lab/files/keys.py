"""Whose keys the lab holds: guardian services, tenants, template signers. Kept in its folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from apps.lab import hgs
from apps.lab.files.protector import Party
from apps.lab.files.shielding import Owner
from apps.lab.identities import Identity, load_or_make
from apps.lab.world import Guardian


def _folder(lab_folder: Path, kind: str, name: str) -> Path:
    return lab_folder / kind / hashlib.sha256(name.encode()).hexdigest()[:12]


def guardian_party(lab_folder: Path, guardian: Guardian) -> Party:
    """The certificates that the guardian service's metadata names."""
    keys = hgs.keys_of(lab_folder, guardian)
    return Party(keys.signing.der, keys.encryption.der)


def owner(lab_folder: Path, tenant: str) -> Owner:
    """A tenant's own guardian, as New-HgsGuardian makes one."""
    folder = _folder(lab_folder, "owners", tenant)
    return Owner(
        load_or_make(folder, "signing", f"Shielded VM Signing Certificate ({tenant})"),
        load_or_make(folder, "encryption", f"Shielded VM Encryption Certificate ({tenant})"),
    )


def signer(lab_folder: Path, name: str) -> Identity:
    """Who signs template disks."""
    return load_or_make(_folder(lab_folder, "signers", name), "signing", name)


def stand_in(lab_folder: Path) -> Identity:
    """The signer of catalogs that stand in for ones that only Windows can read."""
    return signer(lab_folder, "Lab stand-in for a template signer")

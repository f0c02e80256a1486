"""Shielding data as the lab's hosts meet it: what anybody may read of a PDK."""

from __future__ import annotations

from dataclasses import dataclass

from apps.lab.files import shielding
from apps.lab.files.catalog import Catalog
from apps.lab.files.protector import Party
from apps.lab.files.shielding import Qualifier, ShieldingData
from apps.lab.identities import common_name, thumbprint


@dataclass(frozen=True)
class LabParty:
    """An owner or guardian; thumbprints of its signing and its encryption certificate."""

    name: str
    thumbprints: tuple[str, ...]

    @classmethod
    def of(cls, party: Party) -> LabParty:
        pair = thumbprint(party.signing), thumbprint(party.encryption)
        return cls(common_name(party.signing), pair)


@dataclass(frozen=True)
class LabPdk:
    """`policy` is Shielded or EncryptionSupported; `data` also opens the encrypted part."""

    data: ShieldingData

    @property
    def policy(self) -> str:
        return self.data.policy

    @property
    def purpose(self) -> str:
        return "ExistingVM" if self.data.for_existing_vm else "NewVM"

    @property
    def owner(self) -> LabParty:
        return LabParty.of(self.data.protector.owner)

    @property
    def guardians(self) -> tuple[LabParty, ...]:
        return tuple(LabParty.of(party) for party in self.data.protector.guardians)

    @property
    def qualifiers(self) -> tuple[Qualifier, ...]:
        return self.data.qualifiers

    @property
    def substitution_keys(self) -> tuple[str, ...]:
        return self.data.substitution_keys

    @property
    def key_protector(self) -> bytes:
        """As Hyper-V stores it."""
        return self.data.protector_bytes

    def applies_to(self, catalog: Catalog) -> bool:
        return self.data.applies_to(catalog)


def load(content: bytes) -> LabPdk:
    """Raises signed.NotThis for other bytes, signed.Tampered where its signature does not fit."""
    return LabPdk(shielding.read(content))

"""Rows of the library as a host would have left them."""

from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Tenant
from apps.library.models import Pair, ShieldingData, StoredFile, TemplateDisk

MIB = 1 << 20
SHA256 = "ab" * 32


def item(model: Any, tenant: Tenant, filename: str, **values: Any) -> Any:
    file = StoredFile.objects.create(
        tenant=tenant, kind=model.noun, size_bytes=MIB, sha256=SHA256
    )  # fmt: skip
    return model.objects.create(
        **{
            "tenant": tenant, "file": file, "filename": filename, "size_bytes": MIB,
            "sha256": SHA256, "status": "usable", "inspected_by_name": "alpha-1",
            "inspected_at": timezone.now(),
        }
        | values
    )  # fmt: skip


def template_disk(tenant: Tenant, filename: str = "ws2025.vhdx", **values: Any) -> TemplateDisk:
    facts = {
        "container": {"type": "vhdx", "allocation": "dynamic", "virtual_size_bytes": 64 << 30,
                      "logical_sector_bytes": 512, "block_size_bytes": 32 * MIB,
                      "allocated_bytes": 11 << 30},
        "partitions": [
            {"type": "efi-system", "name": "EFI", "offset_bytes": MIB, "size_bytes": 300 * MIB,
             "encryption": None},
            {"type": "microsoft-reserved", "name": "", "offset_bytes": 301 * MIB,
             "size_bytes": 16 * MIB, "encryption": None},
            {"type": "basic-data", "name": "<b>Windows</b>", "offset_bytes": 317 * MIB,
             "size_bytes": 60 << 30, "encryption": "bitlocker"},
        ],
        "bitlocker": {"method": "xts-aes-128", "protectors": ["clear-key"],
                      "volume_id": "8f595209-f5b9-49a0-85d4-cb8f80258c27",
                      "created_at": "2026-11-02T08:30:00Z"},
        "evidence": ["/EFI/Microsoft/Boot/a.vsc"],
        "catalog": {"name": "ws2025-tier0", "version": "2.1.0.0", "signer_thumbprint": "C0FFEE"},
    }  # fmt: skip
    made: TemplateDisk = item(TemplateDisk, tenant, filename, **facts | values)
    return made


def shielding_data(tenant: Tenant, filename: str = "tier0.pdk", **values: Any) -> ShieldingData:
    facts = {
        "policy": "shielded",
        "purpose": "new-vm",
        "owner": {"name": "contoso", "thumbprints": ["AA11"]},
        "guardians": [{"name": "hgs", "thumbprints": ["BB22"]}],
        "qualifiers": [{"name": "ws2025-tier0", "version_rule": "greater-than-or-equals",
                        "version": "2.0.0.0", "signer_thumbprint": "C0FFEE"}],
        "substitution_keys": ["@ComputerName@", "@TimeZone@"],
    }  # fmt: skip
    made: ShieldingData = item(ShieldingData, tenant, filename, **facts | values)
    return made


def pair(disk: TemplateDisk, data: ShieldingData, applicable: bool | None = True) -> Pair:
    return Pair.objects.create(
        tenant=disk.tenant, template_disk=disk, shielding_data=data, applicable=applicable,
        reason_code="applies" if applicable else "version-differs",
        reason_message="Made for it." if applicable else "Made for another version.",
        checked_by_name="alpha-1", checked_at=timezone.now(),
    )  # fmt: skip


@pytest.fixture
def disk(people: Any) -> TemplateDisk:
    return template_disk(people.contoso_tenant)


@pytest.fixture
def data(people: Any) -> ShieldingData:
    return shielding_data(people.contoso_tenant)

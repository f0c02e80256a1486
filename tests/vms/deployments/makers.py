"""A cluster with an attested host and one that failed, and a tenant's pair, as rows only."""

from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Tenant
from apps.attestation.models import Verdict
from apps.fabric.models import Cluster, Host, VirtualSwitch, Volume
from apps.library.models import Pair, ShieldingData, StoredFile, TemplateDisk, Upload

GIB = 1 << 30
KEYS = ["@ComputerName@", "@ProductKey@"]


@pytest.fixture
def fabric(db: None) -> Cluster:
    now = timezone.now()
    cluster = Cluster.objects.create(
        name="alpha", address="127.0.0.1", port=1, use_tls=False, transport="ntlm",
        observed_at=now, password_envelope="",
    )  # fmt: skip
    for name, status in (("alpha-1", "Passed"), ("alpha-2", "InsecureHostConfiguration")):
        host = Host.objects.create(
            cluster=cluster, name=name, state="up", processors=16, observed_at=now,
            memory_bytes=64 * GIB, memory_available_bytes=32 * GIB,
        )  # fmt: skip
        Verdict.objects.create(host=host, status=status, since=now, last_seen=now)
    Volume.objects.create(
        cluster=cluster, name="One", path=r"C:\ClusterStorage\One", size_bytes=100 * GIB,
        free_bytes=50 * GIB, observed_at=now,
    )  # fmt: skip
    switch = VirtualSwitch.objects.create(cluster=cluster, name="Wide", observed_at=now)
    switch.hosts.set(cluster.hosts.all())
    return cluster


def item(model: Any, tenant: Tenant, kind: str, **values: Any) -> Any:
    """A usable row of the library."""
    digest = "ab" * 32
    file = StoredFile.objects.create(tenant=tenant, kind=kind, size_bytes=GIB, sha256=digest)
    return model.objects.create(
        tenant=tenant, file=file, filename=f"{kind}.bin", size_bytes=GIB, sha256=digest,
        status="usable", **values,
    )  # fmt: skip


def image(tenant: Tenant, **values: Any) -> Upload:
    """An ISO image that arrived whole."""
    file = StoredFile.objects.create(tenant=tenant, kind="iso", size_bytes=GIB, sha256="cd" * 32)
    given = {"kind": "iso", "filename": "setup.iso", "size": GIB, "offset": GIB}
    found: Upload = Upload.objects.create(
        **{"tenant": tenant, "file": file, "status": "complete", **given, **values}
    )
    return found


@pytest.fixture
def iso(people) -> Upload:
    return image(people.contoso_tenant)


@pytest.fixture
def disk(people) -> TemplateDisk:
    return item(TemplateDisk, people.contoso_tenant, "template-disk")


@pytest.fixture
def data(people, disk) -> ShieldingData:
    found = item(
        ShieldingData, people.contoso_tenant, "shielding-data", policy="shielded",
        purpose="new-vm", substitution_keys=KEYS,
    )  # fmt: skip
    Pair.objects.create(
        tenant=people.contoso_tenant, template_disk=disk, shielding_data=found, applicable=True
    )
    return found


def regular(fabric: Cluster, **changes: Any) -> dict[str, Any]:
    """The body of a VM from sizes alone."""
    body = {
        "name": "new-01",
        "cluster": str(fabric.pk),
        "volume": str(fabric.volumes.first().pk),
        "virtual_switch": str(fabric.virtual_switches.first().pk),
        "processors": 2,
        "memory_bytes": GIB,
        "disk_size_bytes": 2 * GIB,
    }
    return body | changes


def shielded(fabric: Cluster, disk: TemplateDisk, data: ShieldingData, **changes: Any) -> Any:
    """The body of a VM from a pair."""
    body = regular(
        fabric,
        template_disk=str(disk.pk),
        shielding_data=str(data.pk),
        specialization=dict.fromkeys(KEYS, "value"),
    )
    del body["disk_size_bytes"]
    return body | changes


__all__ = ["data", "disk", "fabric", "iso"]

"""Reading attestation: verdicts of hosts, guardian services by what they are known by."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from apps.attestation.models import GuardianCertificate, GuardianService, Verdict
from apps.common.time import iso
from apps.fabric.models import Host

__all__ = ["Verdict", "guardian_by_thumbprint", "guardian_by_url", "verdict_of", "verdicts_of"]


def verdict_of(host: Host) -> Verdict | None:
    return Verdict.objects.select_related("host").filter(host=host).first()


def verdicts_of(hosts: Iterable[Host]) -> dict[UUID, Verdict]:
    """Verdicts by the host's id."""
    ids = [host.pk for host in hosts]
    return {
        verdict.host_id: verdict
        for verdict in Verdict.objects.select_related("host").filter(host__in=ids)
    }


def guardian_by_thumbprint(thumbprint: str) -> GuardianService | None:
    """The service that has a certificate with this SHA-1 (as Windows shows it) or SHA-256."""
    plain = thumbprint.replace(":", "").replace(" ", "")
    by = {"thumbprint": plain.upper()} if len(plain) == 40 else {"sha256": plain.lower()}
    found = GuardianCertificate.objects.select_related("service").filter(**by).first()
    return found.service if found else None


def guardian_by_url(*urls: str) -> GuardianService | None:
    """The service that hosts speak to at one of these addresses."""
    wanted = {_where(url) for url in urls if url}
    for service in GuardianService.objects.all() if wanted else ():
        own = (service.attestation_url, service.key_protection_url, service.url)
        if wanted & {_where(url) for url in own if url}:
            return service
    return None


def _where(url: str) -> str:
    """Host name and port, in lower case; the scheme and the path don't tell services apart."""
    try:
        parts = urlsplit(url)
        return f"{(parts.hostname or '').lower()}:{parts.port or ''}"
    except ValueError:
        return url.lower()


def attestation_of_hosts(ids: Collection[UUID]) -> Mapping[UUID, dict[str, Any]]:
    """What the rows of hosts carry."""
    return {
        verdict.host_id: {
            "status": verdict.status,
            "sub_status": verdict.sub_status,
            "summary": verdict.summary,
            "fix": verdict.fix,
            "checked_at": iso(verdict.last_seen),
            "since": iso(verdict.since),
        }
        for verdict in Verdict.objects.filter(host__in=ids)
    }


def guardian_of_clusters(ids: Collection[UUID]) -> Mapping[UUID, dict[str, str]]:
    """The service that most of a cluster's hosts are under."""
    found: dict[UUID, dict[tuple[str, str], int]] = {}
    rows = Verdict.objects.filter(
        host__cluster__in=ids, guardian_service__isnull=False
    ).values_list("host__cluster_id", "guardian_service_id", "guardian_service__name")
    for cluster_id, service_id, name in rows:
        counts = found.setdefault(cluster_id, {})
        key = (str(service_id), name)
        counts[key] = counts.get(key, 0) + 1
    chosen = {cluster_id: max(counts, key=lambda key: counts[key])
              for cluster_id, counts in found.items()}  # fmt: skip
    return {key: {"id": service[0], "name": service[1]} for key, service in chosen.items()}

"""Takes part in every reading of a cluster: what hosts say of their attestation."""

import datetime
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from apps.attestation import history, selectors
from apps.fabric.documents import text
from apps.fabric.models import Cluster, Host

MOST_SUB_STATUSES = 32


class AttestationObserver:
    def host_read(
        self, host: Host, reading: Mapping[str, Any], observed_at: datetime.datetime
    ) -> None:
        told = reading.get("attestation")
        if not isinstance(told, Mapping) or not told.get("status"):
            why = text(reading, "attestation_problem", 1000)
            history.missed(
                host, observed_at, f"The host couldn’t tell its attestation. {why}".strip()
            )
            return
        history.observed(host, observed_at, columns(told))

    def host_missed(self, host: Host, reason: str, at: datetime.datetime) -> None:
        history.missed(host, at, reason)

    def cluster_read(
        self,
        cluster: Cluster,
        reading: Mapping[str, Any],
        observed_at: datetime.datetime,
        hosts_read: Collection[UUID],
    ) -> None:
        """Everything was told host by host."""


def columns(told: Mapping[str, Any]) -> history.Columns:
    """A verdict's columns from what Get-HgsClientConfiguration told."""
    named = {str(name)[:64] for name in told.get("sub_status") or ()} - {"NoInformation"}
    urls = {name: text(told, name, 300) for name in ("attestation_url", "key_protection_url")}
    return {
        "status": text(told, "status", 64),
        "sub_status": sorted(named)[:MOST_SUB_STATUSES],
        "is_guarded": told.get("is_host_guarded") is True,
        "guardian_service": selectors.guardian_by_url(*urls.values()),
        **urls,
    }

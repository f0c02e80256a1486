"""What attestation adds to the fabric's pages: causes, strips, what needs attention."""

import datetime
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone

from apps.accounts.permissions import holds
from apps.attestation import facts, strips
from apps.attestation.choices import Status
from apps.attestation.models import GuardianCertificate, GuardianService, Verdict
from apps.common.freshness import BELIEVED
from apps.fabric.attention import Attention

#: Days before a guardian's certificate ends from which it is told of.
EARLY_DAYS = 60
_QUIET = (Status.PASSED, Status.NOT_CONFIGURED)


def counts_by_cluster(ids: Collection[UUID]) -> Mapping[UUID, dict[str, int]]:
    """How many hosts of a cluster passed, fail, and weren't seen lately."""
    found: dict[UUID, dict[str, int]] = {}
    rows = Verdict.objects.filter(host__cluster__in=ids).values_list(
        "host__cluster_id", "status", "last_seen"
    )
    for cluster_id, status, last_seen in rows:
        counts = found.setdefault(cluster_id, {"total": 0, "passed": 0, "failing": 0, "unseen": 0})
        counts["total"] += 1
        if timezone.now() - last_seen >= BELIEVED:
            counts["unseen"] += 1
        elif status == Status.PASSED:
            counts["passed"] += 1
        elif status not in _QUIET:
            counts["failing"] += 1
    return found


def details_by_host(ids: Collection[UUID]) -> Mapping[UUID, dict[str, Any]]:
    """For a host's page: its verdict, the causes each with its fix, and its last week."""
    start, end = strips.window("week")
    drawn = strips.of_hosts(ids, start, end)
    verdicts = Verdict.objects.filter(host__in=ids).select_related("host", "guardian_service")
    return {
        verdict.host_id: {
            "verdict": verdict,
            "fact": facts.status_fact(verdict.status),
            "quiet": verdict.status == Status.PASSED,
            "causes": [(name, facts.sub_status_fact(name)) for name in verdict.sub_status],
            "strip": drawn.get(verdict.host_id),
            "start": start,
            "end": end,
            "services": list(GuardianService.objects.all()),
        }
        for verdict in verdicts
    }


def attention(user: Any) -> Iterator[Attention]:
    yield from _failing(user)
    yield from _certificates(user)


def _failing(user: Any) -> Iterator[Attention]:
    rows = Verdict.objects.restrict(user).select_related("host").exclude(status__in=_QUIET)
    for verdict in rows:
        yield Attention(
            "warn" if verdict.status in (Status.UNKNOWN, Status.TRANSIENT) else "bad",
            f"{verdict.host.name} fails attestation: {facts.status_fact(verdict.status).title}",
            verdict.summary, reverse("fabric:host", args=[verdict.host_id]), "See cause and fix",
            verdict.since, verdict.host.cluster_id,
        )  # fmt: skip


def _certificates(user: Any) -> Iterator[Attention]:
    if not holds(user, "guardian-service", "view"):
        return
    soon = timezone.now() + datetime.timedelta(days=EARLY_DAYS)
    rows = GuardianCertificate.objects.filter(not_after__lte=soon).select_related("service")
    for certificate in rows:
        days = (certificate.not_after - timezone.now()).days
        ended = days < 0
        yield Attention(
            "bad" if ended else "warn",
            f"{certificate.get_kind_display()} certificate of {certificate.service.name} "
            + ("has ended" if ended else f"ends in {days} days"),
            "Add the new certificate beside it before this one ends, so that virtual machines "
            "which name it keep starting.",
            reverse("attestation:guardian_services"), "See certificates", certificate.not_after,
        )  # fmt: skip

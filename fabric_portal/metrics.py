"""Figures for Prometheus, read from the database and Redis when they are asked for."""

import secrets
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from rest_framework.exceptions import AuthenticationFailed

from apps.accounts.authentication import user_of_header
from apps.accounts.models import User
from apps.accounts.permissions import holds
from apps.audit.models import AuditHead
from apps.common import heartbeats, problems
from apps.common.errors import Forbidden, PortalError, Unauthenticated
from apps.common.redis import client
from apps.fabric.models import Cluster, Host
from apps.operations.models import Operation
from apps.vms.models import VirtualMachine

QUEUES = ("operations", "observations")


class Portal:
    """What a scrape reads: a handful of grouped counts, none of them grows with the fabric."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _by(Operation, "status", "fabric_operations", "Operations by status")
        yield _by(Host, "state", "fabric_hosts", "Hosts by state as last read")
        yield _by(VirtualMachine, "state", "fabric_virtual_machines", "Virtual machines by state")
        yield _by(
            VirtualMachine, "protection", "fabric_protection", "Virtual machines by protection"
        )
        yield _one("fabric_clusters", "Clusters", Cluster.objects.count())
        yield _one(
            "fabric_hosts_failing",
            "Hosts that could not be read the last time",
            Host.objects.filter(failing_since__isnull=False).count(),
        )
        size = AuditHead.objects.values_list("size", flat=True).first()
        yield _one("fabric_audit_entries", "Entries of the audit log", size or 0)
        yield _one("fabric_workers", "Workers heard lately", len(heartbeats.workers()))
        waiting = GaugeMetricFamily("fabric_queue", "Tasks that wait", labels=["queue"])
        for queue in QUEUES:
            waiting.add_metric([queue], int(client().llen(queue)))
        yield waiting


def _by(model: Any, field: str, name: str, about: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=[field])
    rows = model.objects.order_by().values_list(field).annotate(found=Count("pk"))
    for value, found in rows:
        family.add_metric([str(value)], found)
    return family


def _one(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)


def _require(request: HttpRequest) -> None:
    """FABRIC_METRICS_TOKEN, or whoever manages clusters."""
    header = request.headers.get("Authorization", "")
    given = header.partition(" ")[2].strip().encode("utf-8", "replace")
    wanted = settings.FABRIC_METRICS_TOKEN.encode()
    if wanted and secrets.compare_digest(given, wanted):
        return
    try:
        user = user_of_header(header)
    except AuthenticationFailed as error:
        raise Unauthenticated(str(error.detail)) from None
    if user is None and isinstance(request.user, User):
        user = request.user
    if user is None:
        raise Unauthenticated("Send the metrics token, or one of an HCI admin.")
    if not holds(user, "cluster", "manage"):
        raise Forbidden("Metrics are for HCI admins.")


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    try:
        _require(request)
    except PortalError as error:
        return problems.response(error, request)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Portal())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

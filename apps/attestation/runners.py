"""What attestation does on hosts and with guardian services."""

from typing import Any

from django.utils import timezone

from apps.attestation import history, observing
from apps.attestation.guardian.reading import read_guardian_service
from apps.attestation.models import GuardianService
from apps.fabric import selectors as fabric
from apps.fabric.credentials import EnvelopeError
from apps.fabric.models import Host
from apps.operations import runners
from apps.operations.context import Context
from apps.operations.errors import OperationFailed
from apps.operations.runners import Runner
from apps.remoting import Endpoint, scripts

READ = "Read the guardian service"
GUARD = "Set the guardian service’s address on the host"
DIAGNOSE = "Run the host’s diagnostics"


def register() -> None:
    runners.register(
        Runner(kind="guardian-service.refresh", steps=(READ,), run=refresh,
               permission=("guardian-service", "refresh"))
    )  # fmt: skip
    runners.register(
        Runner(kind="host.guard", steps=(GUARD,), run=guard, permission=("host", "manage"))
    )
    runners.register(
        Runner(kind="host.diagnose", steps=(DIAGNOSE,), run=diagnose,
               permission=("host", "manage"))
    )  # fmt: skip


def refresh(ctx: Context) -> dict[str, Any]:
    service = _service(ctx, ctx.operation.target_id)
    with ctx.step(READ):
        read_guardian_service(service)
    return {"mode": service.mode, "certificates": service.certificates.count()}


def guard(ctx: Context) -> dict[str, Any]:
    host = _host(ctx)
    service = _service(ctx, ctx.parameters["guardian_service"])
    with ctx.step(GUARD):
        told = ctx.call(
            _endpoint(host), scripts.load("attestation", "Set-HostGuardian"),
            {"AttestationServerUrl": service.attestation_url,
             "KeyProtectionServerUrl": service.key_protection_url},
            timeout=100,
        )  # fmt: skip
        history.observed(host, timezone.now(), observing.columns(told))
    return {"status": told["status"], "sub_status": list(told["sub_status"])}


def diagnose(ctx: Context) -> dict[str, Any]:
    host = _host(ctx)
    with ctx.step(DIAGNOSE):
        told = ctx.call(
            _endpoint(host), scripts.load("attestation", "Get-HostDiagnostics"), timeout=100
        )
    return {"overall": told["overall"], "results": told["results"]}


def _endpoint(host: Host) -> Endpoint:
    try:
        return fabric.endpoint_for_host(host)
    except EnvelopeError as error:
        raise OperationFailed(
            "credential", str(error), hint="Enter the cluster’s password anew."
        ) from error


def _host(ctx: Context) -> Host:
    host = Host.objects.select_related("cluster").filter(pk=ctx.operation.target_id).first()
    if host is None:
        raise OperationFailed("not-found", f"{ctx.operation.target_name} no longer exists.")
    return host


def _service(ctx: Context, service_id: str) -> GuardianService:
    service = GuardianService.objects.filter(pk=service_id).first()
    if service is None:
        raise OperationFailed("not-found", "The guardian service is no longer in the portal.")
    return service

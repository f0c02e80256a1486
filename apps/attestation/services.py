"""Every change about guardian services, and putting hosts under them."""

from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.permissions import require, require_noun
from apps.attestation import selectors
from apps.attestation.choices import Mode
from apps.attestation.models import GuardianService, Verdict
from apps.audit import services as audit_log
from apps.common.errors import Conflict, InUse, Invalid, StateForbids
from apps.fabric import rules
from apps.fabric.choices import HostState
from apps.fabric.models import Host
from apps.operations import services as operations
from apps.operations.models import Operation


@transaction.atomic
def add_guardian_service(
    *,
    actor: User,
    name: str,
    address: str,
    mode: str = "",
    url: str = "",
    attestation_url: str = "",
    key_protection_url: str = "",
    nodes: int | None = None,
) -> GuardianService:
    """Adds a service and asks for its first reading. `url`: how the portal reaches it, where
    that isn't http://<address>. Raises Invalid, Forbidden, Conflict.
    """
    require_noun(actor, "guardian-service", "manage")
    service = GuardianService(
        name=rules.name(name),
        address=rules.address(address),
        mode=_mode(mode),
        url=_base("url", url or f"http://{address}"),
        nodes=nodes,
    )
    own = f"{'https' if service.url.startswith('https') else 'http'}://{service.address}"
    service.attestation_url = _base("attestation_url", attestation_url or f"{own}/Attestation")
    service.key_protection_url = _base(
        "key_protection_url", key_protection_url or f"{own}/KeyProtection"
    )
    if GuardianService.objects.filter(name__iexact=service.name).exists():
        raise Conflict(f"There is a guardian service named {service.name} already.")
    service.save(force_insert=True)
    _audit(actor, "guardian-service.add", service, {"address": address, "url": service.url})
    _link_verdicts()
    _request_reading(actor, service)
    return service


def ensure_guardian_service(*, actor: User, name: str, **given: Any) -> GuardianService:
    """The service of this name, added where it is missing, at its present address."""
    known = GuardianService.objects.filter(name__iexact=name).first()
    fields = ("address", "mode", "url", "attestation_url", "key_protection_url", "nodes")
    given = {field: given[field] for field in fields if field in given}
    if known is None:
        return add_guardian_service(actor=actor, name=name, **given)
    if known.url != _base("url", given.get("url") or known.url):
        return edit_guardian_service(actor=actor, guardian_service=known, url=given["url"])
    return known


@transaction.atomic
def edit_guardian_service(
    *, actor: User, guardian_service: GuardianService, **changes: Any
) -> GuardianService:
    """Changes name, address, url or the addresses that hosts use; reads the service anew."""
    require(actor, "manage", guardian_service)
    for field, value in changes.items():
        setattr(guardian_service, field, _checked(field, value))
    others = GuardianService.objects.exclude(pk=guardian_service.pk)
    if others.filter(name__iexact=guardian_service.name).exists():
        raise Conflict(f"There is a guardian service named {guardian_service.name} already.")
    guardian_service.save()
    _audit(actor, "guardian-service.edit", guardian_service, {"changed": sorted(changes)})
    _link_verdicts()
    _request_reading(actor, guardian_service)
    return guardian_service


@transaction.atomic
def remove_guardian_service(*, actor: User, guardian_service: GuardianService) -> None:
    """Takes a service out of the portal; nothing changes on it. Raises InUse."""
    require(actor, "manage", guardian_service)
    hosts = list(Host.objects.filter(verdict__guardian_service=guardian_service).order_by("name"))
    if hosts:
        raise InUse(
            f"{len(hosts)} hosts are under {guardian_service.name}.",
            hint="Put them under another guardian service first.",
            used_by=[{"id": str(host.pk), "name": host.name} for host in hosts],
        )
    operations.require_none_active("guardian-service", guardian_service.pk)
    _audit(actor, "guardian-service.remove", guardian_service, {})
    guardian_service.delete()


@transaction.atomic
def refresh_guardian_service(*, actor: User, guardian_service: GuardianService) -> Operation:
    require(actor, "refresh", guardian_service)
    return _request_reading(actor, guardian_service)


@transaction.atomic
def guard_host(*, actor: User, host: Host, guardian_service: GuardianService) -> Operation:
    """Puts a host under a guardian service. Raises StateForbids, OperationActive."""
    require(actor, "manage", host)
    _require_answering(host)
    return operations.request(
        actor=actor, kind="host.guard", target_kind="host", target_id=host.pk,
        target_name=host.name, title=f"Put {host.name} under {guardian_service.name}",
        parameters={"guardian_service": str(guardian_service.pk)},
    )  # fmt: skip


@transaction.atomic
def diagnose_host(*, actor: User, host: Host) -> Operation:
    """Runs the guarded host's own diagnostics. Raises StateForbids, OperationActive."""
    require(actor, "manage", host)
    _require_answering(host)
    return operations.request(
        actor=actor, kind="host.diagnose", target_kind="host", target_id=host.pk,
        target_name=host.name, title=f"Diagnose attestation of {host.name}",
    )  # fmt: skip


def _require_answering(host: Host) -> None:
    if host.state in (HostState.DOWN, HostState.UNKNOWN):
        raise StateForbids(
            f"{host.name} is {host.get_state_display().lower()}.",
            hint=host.problem or "Refresh its cluster.",
        )


def _request_reading(actor: User, service: GuardianService) -> Operation:
    return operations.request(
        actor=actor, kind="guardian-service.refresh", target_kind="guardian-service",
        target_id=service.pk, target_name=service.name, title=f"Read {service.name}",
    )  # fmt: skip


def _link_verdicts() -> None:
    """Hosts that were under an address nobody knew may be under a known service now."""
    for verdict in Verdict.objects.all():
        found = selectors.guardian_by_url(verdict.attestation_url, verdict.key_protection_url)
        if (found.pk if found else None) != verdict.guardian_service_id:
            Verdict.objects.filter(pk=verdict.pk).update(guardian_service=found)


def _checked(field: str, value: Any) -> Any:
    match field:
        case "name":
            return rules.name(value)
        case "address":
            return rules.address(value)
        case "mode":
            return _mode(value)
        case "url" | "attestation_url" | "key_protection_url":
            return _base(field, value)
    raise Invalid.field(field, "It can’t be changed.")


def _mode(value: str) -> str:
    if value and value not in Mode.values:
        raise Invalid.field("mode", f"It has to be one of {', '.join(Mode.values)}.")
    return value


def _base(field: str, value: str) -> str:
    """An address by HTTP or HTTPS, without credentials or query; no slash at its end."""
    try:
        parts = urlsplit(value.strip())
        right = (
            parts.scheme in ("http", "https")
            and parts.hostname is not None
            and (parts.port is None or parts.port > 0)
            and not (parts.username or parts.password or parts.query or parts.fragment)
            and len(value) <= 300
        )
        host = parts.hostname
    except ValueError:
        right, host = False, None
    if not right or host is None:
        raise Invalid.field(field, "It has to be an address such as http://hgs.contoso.local.")
    rules.address(host)
    return value.strip().rstrip("/")


def _audit(actor: User, action: str, service: GuardianService, detail: dict[str, Any]) -> None:
    audit_log.record(
        actor=actor, action=action, target_kind="guardian-service", target_id=service.pk,
        target_name=service.name, outcome="done", detail=detail,
    )  # fmt: skip

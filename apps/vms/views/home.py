"""A tenant's first page: its machines, its library, what runs, what it may still use."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Tenant, User
from apps.accounts.permissions import holds
from apps.common.htmx import is_partial
from apps.library import storage
from apps.library.choices import ItemStatus, UploadStatus
from apps.library.models import Pair, ShieldingData, TemplateDisk, Upload
from apps.operations import selectors as operations
from apps.operations.choices import Status
from apps.vms import selectors, tenants
from apps.vms.choices import Protection, VMState
from apps.vms.deployments.models import Deployment
from apps.vms.models import VirtualMachine

ROWS = 25
RUNNING = 6
MOST = 10
GUARDED = (Protection.SHIELDED, Protection.ENCRYPTION_SUPPORTED)
ITEMS = ((TemplateDisk, "library:disk"), (ShieldingData, "library:shielding_data"))


@dataclass(frozen=True)
class Need:
    """Something that the tenant should look at, with its next step."""

    tone: str
    title: str
    text: str
    href: str
    action: str
    at: Any


@login_required
@require_safe
def tenant_home(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    if user.tenant is None:
        return redirect("/")
    template = "vms/_tenant_home.html" if is_partial(request) else "vms/tenant_home.html"
    return render(request, template, _context(user))


def _context(user: User) -> dict[str, Any]:
    listed = selectors.listed(user)
    counts = _counts(listed, "state")
    protection = _counts(listed, "protection")
    needs = _needs(user)
    return {
        "section": "vms",
        "tenant": user.tenant,
        "needs": needs[:MOST],
        "states": [
            {"value": one, "label": one.label, "number": counts[one]}
            for one in VMState
            if counts.get(one)
        ],
        "machines": sum(counts.values()),
        "shielded": protection.get(Protection.SHIELDED, 0),
        "encrypted": protection.get(Protection.ENCRYPTION_SUPPORTED, 0),
        "guarded": listed.filter(protection__in=GUARDED).order_by("name")[:ROWS],
        "others": listed.exclude(protection__in=GUARDED).order_by("name")[:ROWS],
        "running": operations.active(user).order_by("-created_at")[:RUNNING],
        "library": _library(user),
        "quota": _quota(user.tenant, sum(counts.values())),
        "may_deploy": holds(user, "deployment", "deploy"),
    }


def _counts(rows: Any, column: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(column).annotate(number=Count("id")))


def _library(user: User) -> dict[str, int]:
    """How many pairs fit, and of each kind of file how many there are."""
    return {
        "fit": Pair.objects.restrict(user).filter(applicable=True).count(),
        "disks": TemplateDisk.objects.restrict(user).count(),
        "data": ShieldingData.objects.restrict(user).count(),
        "coming": Upload.objects.restrict(user)
        .filter(status__in=(UploadStatus.RECEIVING, UploadStatus.VERIFYING))
        .count(),
    }


def _quota(tenant: Tenant | None, machines: int) -> dict[str, Any]:
    """What is used of what the tenant may use: virtual machines, and bytes of the library."""
    if tenant is None:
        return {}
    used, coming = storage.used_by(tenant), tenants.coming([tenant.pk]).count()
    return {
        "vms": machines + coming,
        "vms_most": tenant.quota_vms,
        "coming": coming,
        "bytes": used,
        "bytes_most": tenant.quota_bytes,
    }


def _needs(user: User) -> list[Need]:
    """What waits for the tenant, newest first."""
    return sorted(
        [*_failed_deployments(user), *_refused_files(user), *_machines_in_doubt(user)],
        key=lambda need: need.at, reverse=True,
    )  # fmt: skip


def _failed_deployments(user: User) -> list[Need]:
    rows = (
        Deployment.objects.restrict(user)
        .filter(status__in=(Status.FAILED, Status.ERRORED))
        .select_related("operation")[:MOST]
    )
    return [
        Need(
            "bad", f"{row.name} couldn’t be deployed",
            (row.operation.error or {}).get("message", "") if row.operation else "",
            reverse("deployments:detail", args=[row.pk]), "See the way out", row.created_at,
        )
        for row in rows
    ]  # fmt: skip


def _refused_files(user: User) -> list[Need]:
    needs = []
    for model, address in ITEMS:
        for row in model.objects.restrict(user).filter(status=ItemStatus.REFUSED)[:MOST]:
            problem = row.problems[0] if row.problems else {}
            needs.append(
                Need(
                    "warn", f"{row.filename} was refused", problem.get("message", ""),
                    reverse(address, args=[row.pk]), "See why", row.created_at,
                )
            )  # fmt: skip
    return needs


def _machines_in_doubt(user: User) -> list[Need]:
    rows = VirtualMachine.objects.restrict(user).exclude(problem="").exclude(failing_since=None)
    return [
        Need(
            "warn", f"How {row.name} is isn’t known", row.problem,
            reverse("vms:detail", args=[row.pk]), "See what is known", row.failing_since,
        )
        for row in rows[:MOST]
    ]  # fmt: skip

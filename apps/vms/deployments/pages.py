"""What the pages of deployments show beside the rows themselves."""

from dataclasses import dataclass
from typing import Any

from apps.accounts.models import User
from apps.accounts.permissions import holds
from apps.operations import selectors as operations
from apps.operations.choices import ACTIVE, Status
from apps.operations.models import Operation
from apps.remoting import Script, scripts
from apps.vms.deployments import elsewhere
from apps.vms.deployments.checks import Check
from apps.vms.deployments.forms import DeploymentForm
from apps.vms.deployments.models import Deployment
from apps.vms.deployments.plans import Plan
from apps.vms.deployments.services import CLEAN_UP

#: Room and name of each script of a deployment, in their order; True: for a guarded one alone.
_SCRIPTS = (
    ("vms", "Test-DeploymentTarget", False),
    ("library", "Receive-Content", False),
    ("vms", "New-DeploymentVM", False),
    ("vms", "Set-DeploymentShielding", True),
    ("vms", "New-DeploymentSpecialization", True),
    ("vms", "Invoke-DeploymentProvisioning", True),
    ("vms", "Add-DeploymentToCluster", False),
    ("vms", "Set-VMPowerState", False),
    ("vms", "Get-VMSecurityState", False),
)
RELATED = (
    "operation", "virtual_machine", "cluster", "host", "volume", "virtual_switch",
    "template_disk", "shielding_data", "iso", "tenant", "batch",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A line of a preflight that waits for something: a field, or a host's answer."""

    message: str
    ok: bool | None = None
    fix: str = ""


def visible(user: User) -> Any:
    return Deployment.objects.restrict(user).select_related(*RELATED)


def scripts_of(*, guarded: bool, copies: bool, starts: bool) -> list[Script]:
    """The PowerShell that a deployment runs on its host, in its order."""
    left_out = {"Receive-Content"} if not copies else set()
    if not starts:
        left_out.add("Set-VMPowerState")
    return [
        scripts.load(room, name)
        for room, name, only_guarded in _SCRIPTS
        if name not in left_out and (guarded or not only_guarded)
    ]


def lines_of_form(form: DeploymentForm) -> list[Line]:
    """What a form that can't be tried yet still needs, then what is wrong in it."""
    waiting, wrong = [], []
    for name, errors in form.errors.as_data().items():
        label = form.fields[name].label if name in form.fields else "The form"
        for error in errors:
            if error.code == "required":
                waiting.append(Line(f"{label}: not given yet"))
            else:
                wrong.append(Line(f"{label}: {' '.join(error.messages)}", ok=False))
    return [*wrong, *waiting]


def asking(plan: Plan, found: list[Check], host: str) -> list[Line]:
    """The portal's own lines, and that the host is being asked."""
    own = [Line(check.message, check.ok, check.fix) for check in found]
    return [*own, Line(f"{host} is being asked…" if host else "No host to ask")]


def failed_step(operation: Operation | None) -> tuple[int, str]:
    """Number and name of the step in which it ended badly; (0, "") where none did."""
    for number, step in enumerate(operation.steps if operation else (), 1):
        if step["status"] == "failed":
            return number, step["name"]
    return 0, ""


def _elsewhere(row: Deployment) -> dict[str, Any]:
    """The other hosts, for a retry on one of them."""
    places = elsewhere.placements(row)
    allowed = [place.host for place in places if place.allowed]
    best = max(allowed, key=lambda host: host.memory_available_bytes or 0, default=None)
    return {
        "elsewhere": places,
        "elsewhere_allowed": len(allowed),
        "elsewhere_chosen": best.pk if best else None,
        "elsewhere_hindrance": elsewhere.hindrance(row),
        "elsewhere_there": elsewhere.is_there(row),
    }


def detail(user: User, row: Deployment) -> dict[str, Any]:
    """What the page of one deployment shows."""
    operation = row.operation
    cleaning = (
        Operation.objects.restrict(user)
        .filter(target_kind="deployment", target_id=str(row.pk), kind=CLEAN_UP)
        .order_by("-created_at")
        .first()
    )
    may = operations.may(user, operation) if operation else {"cancel": False, "retry": False}
    busy = cleaning is not None and cleaning.status in ACTIVE
    number, step = failed_step(operation)
    ended_badly = row.lasting_status not in ACTIVE and row.lasting_status != Status.SUCCEEDED
    return {
        "section": "vms",
        "deployment": row,
        "operation": operation,
        "cleaning": cleaning,
        "events": operations.transcript(operation) if operation else [],
        "busy": busy or row.lasting_status in ACTIVE,
        "failed_number": number,
        "failed_step": step,
        "host_name": row.host.name if row.host else "The host",
        "leftover_names": "|".join(one["path"] or one["name"] for one in row.leftovers),
        "may_see_hosts": holds(user, "host", "view"),
        "may_cancel": may["cancel"],
        "may_retry": may["retry"] and not busy,
        **(_elsewhere(row) if may["retry"] and not busy else {}),
        "may_clean": holds(user, "deployment", "delete") and ended_badly and bool(row.leftovers)
        and not busy,
        "scripts": [
            {"title": f"{one.name}.ps1", "text": one.text}
            for one in scripts_of(
                guarded=row.guarded,
                copies=row.template_disk_id is not None or row.iso_id is not None,
                starts=row.start,
            )
        ],
    }  # fmt: skip

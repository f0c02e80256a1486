"""Puts the lab's fabric into the portal, by the same services that people use."""

import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.core.management import call_command

from apps.accounts.models import Tenant, User
from apps.attestation import services as attestation
from apps.fabric import services as fabric
from apps.fabric.models import Cluster
from apps.vms import services as vms
from apps.vms.models import VirtualMachine
from fabric_portal.rooms import brings

T = TypeVar("T")
PATIENCE_SECONDS = 300
CLUSTER_FIELDS = ("name", "address", "port", "use_tls", "transport", "username", "password")


def wait_for(probe: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """The first true answer; TimeoutError that names what didn't come."""
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.2)
    return found


def answers(url: str) -> bool:
    """Whether a GET is answered 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=5)
    try:
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        answer.read()
        return answer.status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def lab_document(data_dir: Path) -> dict[str, Any]:
    """What the running lab tells of itself, once it answers."""
    path = data_dir / "lab" / "lab.json"

    def running() -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(path.read_text())
        except (OSError, ValueError):
            return {}
        return found if answers(found["control_url"].rstrip("/") + "/state") else {}

    return wait_for(running, "the lab")


def clusters(admin: User, lab: dict[str, Any]) -> None:
    """Adds the lab's clusters that the portal doesn't know yet, and waits until all were read."""
    for row in lab["clusters"]:
        if Cluster.objects.filter(name=row["name"]).exists():
            continue
        given: dict[str, Any] = {name: row[name] for name in CLUSTER_FIELDS}
        if row["use_tls"]:
            given["ca_certificate"] = Path(lab["ca_certificate"]).read_text()
        fabric.add_cluster(actor=admin, **given)
    wait_for(
        lambda: not Cluster.objects.filter(observed_at=None).exists(),
        "the first reading of the clusters",
    )


def guardian_services(guardian: User, lab: dict[str, Any]) -> None:
    """Adds the lab's guardian services that the portal doesn't know yet."""
    for row in lab["hgs"]:
        attestation.ensure_guardian_service(actor=guardian, **row)


def owners(admin: User) -> None:
    """Gives a third of the machines of each protection to either tenant; on the first start
    only.
    """
    if VirtualMachine.objects.exclude(tenant=None).exists():
        return
    tenants = list(Tenant.objects.order_by("name"))
    taken: dict[str, int] = {}
    for vm in VirtualMachine.objects.order_by("name"):
        number = taken[vm.protection] = taken.get(vm.protection, -1) + 1
        turn = number % (len(tenants) + 1)
        if turn < len(tenants):
            vms.assign_tenant(actor=admin, vm=vm, tenant=tenants[turn])


def samples(data_dir: Path) -> list[dict[str, Any]]:
    """Sample pairs under samples/, made once; as demo.json lists them."""
    folder = data_dir / "samples"
    listing = folder / "samples.json"
    if not listing.exists():
        if not brings("apps.lab.management.commands.lab_files"):
            return []
        call_command("lab_files", out=str(folder))
    found: list[dict[str, Any]] = json.loads(listing.read_text())
    return found

"""What the host itself says of the place where a VM is to be made. Read only."""

from collections.abc import Iterator, Mapping
from typing import Any

from apps.fabric import selectors as fabric
from apps.fabric.models import Host
from apps.remoting import call, scripts
from apps.remoting.errors import RemotingError
from apps.vms.deployments.checks import MIB, Check, needed_bytes
from apps.vms.deployments.plans import Plan

SECONDS = 45


def parameters(plan: Plan) -> dict[str, Any]:
    """Those of Test-DeploymentTarget."""
    return {
        "VolumePath": plan.volume.path,
        "SwitchName": plan.virtual_switch.name if plan.virtual_switch else "",
        "Name": plan.name,
        "MemoryBytes": plan.demand.memory_bytes,
    }


def ask(plan: Plan, host: Host) -> list[Check]:
    """The host's own lines of a preflight."""
    try:
        script = scripts.load("vms", "Test-DeploymentTarget")
        told = call(fabric.endpoint_for_host(host), script, parameters(plan), timeout=SECONDS)
        return list(lines(plan, host, told))
    except RemotingError as error:
        words = error.host_message or str(error)
        fix = error.hint or "See the host’s page for when it last answered."
        return [Check("host", False, f"{host.name} can’t be asked: {words}", fix, "host")]


def lines(plan: Plan, host: Host, told: Mapping[str, Any]) -> Iterator[Check]:
    """What Test-DeploymentTarget answered, held against the plan."""
    yield Check("host", True, f"{host.name} answers.")
    free, needed = told["volume_free_bytes"], needed_bytes(plan)
    roomy = free is not None and free >= needed
    yield Check(
        "host-space", roomy, f"{host.name} sees {(free or 0) // MIB:,} MiB free on the volume.",
        "" if roomy else "Choose another volume, or free some space.", "volume", "no-space",
    )  # fmt: skip
    if plan.virtual_switch is not None:
        found = bool(told["switch_found"])
        words = "has" if found else "has no"
        yield Check(
            "host-switch", found, f"{host.name} {words} switch {plan.virtual_switch.name}.",
            "" if found else "Choose another host or switch.", "virtual_switch",
        )  # fmt: skip
    taken = bool(told["name_taken"])
    yield Check(
        "host-name", not taken, f"{plan.name} is {'taken' if taken else 'free'} on {host.name}.",
        "Choose another name." if taken else "", "name", "taken",
    )  # fmt: skip
    if plan.guarded:
        yield _attested(host, told.get("attestation") or {})


def _attested(host: Host, attestation: Mapping[str, Any]) -> Check:
    status = attestation.get("status") or "not guarded"
    passed = status == "Passed"
    return Check(
        "host-attestation", passed, f"{host.name} says of its attestation: {status}.",
        "" if passed else "Mend what its attestation page names, or choose another host.",
        "host", "host-not-attested",
    )  # fmt: skip

"""Tries a way to a cluster before it is added: what is open, what isn't, how to mend it.

The only place where a web request waits for a host; each step is bounded, and nothing changes.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from apps import remoting
from apps.accounts.models import User
from apps.accounts.permissions import require_noun
from apps.fabric import rules
from apps.fabric.choices import Transport
from apps.fabric.ways import Way, judged
from apps.remoting import Endpoint, scripts
from apps.remoting.errors import RemotingError

READY_SECONDS = 8
NEEDED_MODULES = {
    "Hyper-V": "Install-WindowsFeature Hyper-V-PowerShell",
    "FailoverClusters": "Install-WindowsFeature RSAT-Clustering-PowerShell",
}
_AFTER_SIGN_IN = ("powershell", "rights", "modules", "membership")


@dataclass(frozen=True)
class Check:
    """One line: `ok` is None where it could not be tried because an earlier one failed."""

    id: str
    ok: bool | None
    message: str
    fix: str = ""


@dataclass(frozen=True)
class Preflight:
    checks: tuple[Check, ...]
    #: SHA-256 of the certificate that the host showed, for a person to compare.
    fingerprint: str = ""
    #: What the host's listeners offer, safest first.
    ways: tuple[Way, ...] = ()

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "checks": [asdict(check) for check in self.checks],
            "fingerprint": self.fingerprint,
            "ways": [asdict(way) for way in self.ways],
        }

    @property
    def advice(self) -> str:
        """What would be safer than the way that was tried; "" when it is the safest offered."""
        safest = next((way for way in self.ways if way.safest), None)
        if safest is None or safest.chosen:
            return ""
        return f"{safest.name}, port {safest.port}, would be safer than the way that was tried."


def preflight_cluster(
    *,
    actor: User,
    name: str,
    address: str,
    port: int,
    use_tls: bool,
    transport: str,
    username: str = "",
    password: str = "",
    ca_certificate: str = "",
    fingerprint: str = "",
    keeps_powershell: bool = True,
    client_certificate: str = "",
    client_key: str = "",
) -> Preflight:
    """Raises Forbidden, and Invalid for what can't be an address at all."""
    require_noun(actor, "cluster", "manage")
    rules.sign_in(use_tls=use_tls, transport=transport)
    if transport == Transport.CERTIFICATE:
        client_certificate = rules.client_certificate(client_certificate)
        client_key = rules.client_key(client_key, client_certificate)
        username, password = username or rules.subject_of(client_certificate), ""
    else:
        client_certificate = client_key = ""
        rules.needed("password", password)
    endpoint = Endpoint(
        address=rules.address(address),
        port=port,
        use_tls=use_tls,
        transport=transport,
        username=rules.account(username, transport=transport),
        password=password,
        ca_certificate=rules.ca_certificate(ca_certificate),
        fingerprint=rules.fingerprint(fingerprint),
        name=rules.name(name),
        keeps_powershell=keeps_powershell,
        client_certificate=client_certificate,
        client_key=client_key,
    )
    with ThreadPoolExecutor(1) as beside:
        survey = beside.submit(remoting.survey, endpoint)
        steps = remoting.probe(endpoint)
        listeners = survey.result()
    checks = [Check(step.id, step.ok, step.message, step.fix) for step in steps]
    works = all(step.ok for step in steps)
    if works:
        checks += _readiness(endpoint)
    else:
        checks += _not_tried(endpoint, {step.id for step in steps})
    shown = next((step.fingerprint for step in steps if step.fingerprint), "")
    chosen = port, f"http{'s' if use_tls else ''}-{transport}"
    return Preflight(tuple(checks), shown, tuple(judged(listeners, chosen, works=works)))


def _not_tried(endpoint: Endpoint, tried: set[str]) -> Iterator[Check]:
    way = ("name", "tcp", *(("tls",) if endpoint.use_tls else ()), "http", "sign-in")
    for step in (*way, *_AFTER_SIGN_IN):
        if step not in tried:
            yield Check(step, None, "Not tried: what comes before it has to work first.")


def _readiness(endpoint: Endpoint) -> Iterator[Check]:
    try:
        told = remoting.call(
            endpoint, scripts.load("fabric", "Test-HostReadiness"), timeout=READY_SECONDS
        )
    except RemotingError as error:
        yield Check("powershell", False, error.message, error.hint)
        yield from (
            Check(step, None, "Not tried: PowerShell has to answer first.")
            for step in _AFTER_SIGN_IN[1:]
        )
        return
    yield _powershell(told)
    yield _rights(endpoint, told)
    yield _modules(told)
    yield _membership(told)


def _powershell(told: Mapping[str, Any]) -> Check:
    version = str(told.get("ps_version") or "")
    numbers = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    if numbers < [5, 1]:
        return Check(
            "powershell", False, f"It has Windows PowerShell {version or 'of no known version'}.",
            "Update the host: the portal needs Windows PowerShell 5.1.",
        )  # fmt: skip
    return Check(
        "powershell", True, f"Windows PowerShell {version} on {told.get('computer_name')}."
    )


def _rights(endpoint: Endpoint, told: Mapping[str, Any]) -> Check:
    if told.get("is_administrator"):
        return Check("rights", True, f"{endpoint.username} may manage Hyper-V there.")
    return Check(
        "rights", False, f"{endpoint.username} may sign in, but not manage Hyper-V.",
        "Add the account to the Administrators group of every host of the cluster.",
    )  # fmt: skip


def _modules(told: Mapping[str, Any]) -> Check:
    found = told.get("modules") or {}
    missing = [name for name in NEEDED_MODULES if not found.get(name)]
    if missing:
        return Check(
            "modules", False, f"PowerShell modules are missing there: {', '.join(missing)}.",
            "On each host: " + "; ".join(NEEDED_MODULES[name] for name in missing),
        )  # fmt: skip
    if not found.get("HgsClient"):
        return Check(
            "modules", True,
            "Hyper-V and FailoverClusters are there. Without HgsClient its attestation can’t be "
            "read.",
            "On each host that is to run shielded VMs: Install-WindowsFeature HostGuardian",
        )  # fmt: skip
    return Check("modules", True, "Hyper-V, FailoverClusters and HgsClient are there.")


def _membership(told: Mapping[str, Any]) -> Check:
    cluster = told.get("cluster")
    if cluster:
        return Check("membership", True, f"It belongs to the cluster {cluster.get('name')}.")
    return Check(
        "membership", False, f"{told.get('computer_name')} belongs to no failover cluster.",
        "Give the address of a cluster, or of one of its nodes.",
    )  # fmt: skip

"""Every change of the fabric: adding, editing and removing clusters, and work on their hosts."""

from typing import Any

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.accounts.permissions import require, require_noun
from apps.audit import services as audit_log
from apps.common.errors import Conflict, Invalid, StateForbids
from apps.fabric import credentials, rules, selectors
from apps.fabric.choices import DrainState, HostState, Transport
from apps.fabric.models import Cluster, Host
from apps.operations import nudges
from apps.operations import services as operations
from apps.operations.models import Operation

#: What may be given for a cluster besides its password, each with the rule that it has to meet.
_RULES = {
    "name": rules.name,
    "address": rules.address,
    "ca_certificate": rules.ca_certificate,
    "fingerprint": rules.fingerprint,
    "client_certificate": rules.client_certificate,
}


@transaction.atomic
def add_cluster(
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
) -> Cluster:
    """Adds a cluster and asks for its first reading. Raises Invalid, Forbidden, Conflict.

    A transport takes a user name and a password, or a client certificate and its key; then the
    user name is only what the portal calls the account, the certificate's subject by default.
    """
    require_noun(actor, "cluster", "manage")
    cluster = Cluster()
    given = {
        "name": name, "address": address, "port": port, "use_tls": use_tls,
        "transport": transport, "username": username, "ca_certificate": ca_certificate,
        "fingerprint": fingerprint, "keeps_powershell": keeps_powershell,
        "client_certificate": client_certificate,
    }  # fmt: skip
    _set(cluster, given, password, client_key)
    _save(cluster, force_insert=True)
    _audit(actor, "cluster.add", cluster, selectors.address_parts(cluster))
    _request_refresh(actor, cluster)
    nudges.publish("cluster", cluster.pk)
    return cluster


@transaction.atomic
def edit_cluster(
    *,
    actor: User,
    cluster: Cluster,
    password: str | None = None,
    client_key: str | None = None,
    **changes: Any,
) -> Cluster:
    """Changes what is given. A new way or account is tried by a reading at once."""
    require(actor, "manage", cluster)
    cluster = Cluster.objects.select_for_update(no_key=True).get(pk=cluster.pk)
    where = selectors.address_parts(cluster)
    _set(cluster, changes, password, client_key)
    moved = {"address", "port", "use_tls", "transport"} & changes.keys()
    is_password = cluster.transport != Transport.CERTIFICATE
    if moved and where != selectors.address_parts(cluster) and password is None and is_password:
        # A stored password goes only where its owner sent it: who changes the address types it.
        # A certificate's key goes nowhere.
        raise Invalid.field(
            "password", "Type the account’s password again to send it to another address."
        )
    _save(cluster)
    secrets = {"password": password, "client_key": client_key}
    changed = sorted([*changes, *(name for name, given in secrets.items() if given is not None)])
    _audit(actor, "cluster.edit", cluster, {"changed": changed})
    nudges.publish("cluster", cluster.pk)
    return cluster


@transaction.atomic
def remove_cluster(*, actor: User, cluster: Cluster) -> None:
    """Takes a cluster and all its rows out of the portal; nothing changes on its hosts."""
    require(actor, "manage", cluster)
    targets = [("cluster", cluster.pk)]
    targets += [("host", host_id) for host_id in cluster.hosts.values_list("pk", flat=True)]
    for kind, target_id in targets:
        operations.require_none_active(kind, target_id)
    _audit(actor, "cluster.remove", cluster, selectors.address_parts(cluster))
    nudges.publish("cluster", cluster.pk)
    cluster.delete()


@transaction.atomic
def refresh_cluster(*, actor: User, cluster: Cluster) -> Operation:
    """Has the cluster read anew. Raises OperationActive."""
    require(actor, "refresh", cluster)
    return _request_refresh(actor, cluster)


@transaction.atomic
def drain_host(*, actor: User, host: Host) -> Operation:
    """Pauses a host and moves its running machines away. Raises StateForbids, OperationActive."""
    require(actor, "manage", host)
    if host.state in (HostState.DOWN, HostState.UNKNOWN):
        raise StateForbids(
            f"{host.name} is {host.get_state_display().lower()}; only one that is up is drained.",
            hint=host.problem or "Refresh its cluster.",
        )
    if host.state == HostState.PAUSED and host.drain == DrainState.COMPLETED:
        raise StateForbids(f"{host.name} is paused and drained already.")
    return _on_host(actor, host, "host.drain", f"Drain {host.name}")


@transaction.atomic
def resume_host(*, actor: User, host: Host, failback: bool = True) -> Operation:
    """Lets a paused host take machines again. Raises StateForbids, OperationActive."""
    require(actor, "manage", host)
    if host.state == HostState.UP and host.freshness == "live":
        raise StateForbids(f"{host.name} isn’t paused.")
    return _on_host(actor, host, "host.resume", f"Resume {host.name}", {"failback": failback})


@transaction.atomic
def rotate_credential_keys() -> tuple[int, int]:
    """Seals all credentials with the newest key: how many anew, how many had it already.

    Raises EnvelopeError, and changes nothing, when one of them can't be opened.
    """
    resealed = current = 0
    for cluster in Cluster.objects.select_for_update(no_key=True):
        for field, owner in (
            ("password_envelope", selectors.owner_of_credential(cluster)),
            ("client_key_envelope", selectors.owner_of_client_key(cluster)),
        ):
            envelope = getattr(cluster, field)
            if not envelope:
                continue
            if credentials.is_current(envelope):
                current += 1
                continue
            secret = credentials.reveal(envelope, owner=owner)
            setattr(cluster, field, credentials.seal(secret, owner=owner))
            cluster.save(update_fields=[field])
            resealed += 1
    for keeper in credentials.keepers():
        more, had = keeper()
        resealed, current = resealed + more, current + had
    if resealed:
        audit_log.record(
            actor=None, action="credential.rotate", target_kind="credential", target_id="",
            target_name="stored credentials", outcome="done", detail={"count": resealed},
        )  # fmt: skip
    return resealed, current


def _request_refresh(actor: User, cluster: Cluster) -> Operation:
    return operations.request(
        actor=actor, kind="cluster.refresh", target_kind="cluster", target_id=cluster.pk,
        target_name=cluster.name, title=f"Refresh {cluster.name}",
    )  # fmt: skip


def _on_host(
    actor: User, host: Host, kind: str, title: str, parameters: dict[str, Any] | None = None
) -> Operation:
    return operations.request(
        actor=actor, kind=kind, target_kind="host", target_id=host.pk, target_name=host.name,
        title=title, parameters=parameters,
    )  # fmt: skip


def _set(
    cluster: Cluster, given: dict[str, Any], password: str | None, client_key: str | None
) -> None:
    """Puts fields and secrets into the row; a secret that is None stays what it was."""
    for field, value in given.items():
        rule = _RULES.get(field)
        setattr(cluster, field, rule(value) if rule else value)
    rules.sign_in(use_tls=cluster.use_tls, transport=cluster.transport)
    if cluster.transport == Transport.CERTIFICATE:
        _set_certificate(cluster, client_key)
    else:
        _set_password(cluster, password)
    cluster.username = rules.account(cluster.username, transport=cluster.transport)


def _set_password(cluster: Cluster, password: str | None) -> None:
    """What the other kind of sign-in needed is forgotten with it."""
    cluster.client_certificate = cluster.client_key_envelope = ""
    if password is not None:
        cluster.password_envelope = credentials.seal(
            rules.needed("password", password), owner=selectors.owner_of_credential(cluster)
        )
    rules.needed("password", cluster.password_envelope)


def _set_certificate(cluster: Cluster, client_key: str | None) -> None:
    cluster.password_envelope = ""
    if client_key is None and cluster.client_key_envelope:
        client_key = selectors.client_key_of(cluster)  # it may not fit a new certificate
    key = rules.client_key(client_key or "", cluster.client_certificate)
    cluster.client_key_envelope = credentials.seal(
        key, owner=selectors.owner_of_client_key(cluster)
    )
    cluster.username = cluster.username or rules.subject_of(cluster.client_certificate)


def _save(cluster: Cluster, **options: Any) -> None:
    others = Cluster.objects.exclude(pk=cluster.pk)
    if others.filter(name__iexact=cluster.name).exists():
        raise Conflict(f"There is a cluster named {cluster.name} already.")
    if others.filter(address=cluster.address, port=cluster.port).exists():
        raise Conflict(f"{cluster.address}, port {cluster.port}, is a cluster here already.")
    try:
        with transaction.atomic():
            cluster.save(**options)
    except IntegrityError as error:
        raise Conflict("Somebody added such a cluster just now.") from error


def _audit(actor: User, action: str, cluster: Cluster, detail: Any) -> None:
    audit_log.record(
        actor=actor, action=action, target_kind="cluster", target_id=cluster.pk,
        target_name=cluster.name, outcome="done", detail=dict(detail),
    )  # fmt: skip

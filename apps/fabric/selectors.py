"""How the fabric is reached and read."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, Q, QuerySet

from apps.fabric import credentials
from apps.fabric.choices import HostState, Transport
from apps.fabric.models import Cluster, Host
from apps.remoting.endpoint import Endpoint


def owner_of_credential(cluster: Cluster) -> str:
    """What a cluster's envelope is bound to."""
    return f"cluster:{cluster.pk}"


def owner_of_client_key(cluster: Cluster) -> str:
    """What the envelope of its client certificate's key is bound to."""
    return f"cluster:{cluster.pk}:client-key"


def endpoint_for_cluster(cluster: Cluster) -> Endpoint:
    """The cluster's own address, with its credential opened. Raises EnvelopeError."""
    return _endpoint(cluster, cluster.address, cluster.name)


def endpoint_for_host(host: Host) -> Endpoint:
    """A host at the address that its cluster told, by its cluster's port and credential.

    A certificate that was confirmed by its fingerprint counts for the hosts too: those with
    another one need the certificate authority's certificate.
    """
    address = host.address or host.fqdn or host.name
    return _endpoint(host.cluster, address, host.name, service_name=host.fqdn or host.name)


def _endpoint(cluster: Cluster, address: str, name: str, *, service_name: str = "") -> Endpoint:
    return Endpoint(
        address=address,
        port=cluster.port,
        use_tls=cluster.use_tls,
        transport=cluster.transport,
        username=cluster.username,
        password=password_of(cluster),
        client_certificate=cluster.client_certificate,
        client_key=client_key_of(cluster),
        service_name=service_name,
        ca_certificate=cluster.ca_certificate,
        fingerprint=cluster.fingerprint,
        name=name,
        keeps_powershell=cluster.keeps_powershell,
    )


def hosts_named(name: str) -> list[Host]:
    """All hosts of a cluster of this name, else those of this name (or cluster/name); case ignored.

    A name that two clusters have for a host gives both.
    """
    cluster, slash, host = name.partition("/")
    hosts = Host.objects.select_related("cluster").order_by("cluster__name", "name")
    if slash:
        return list(hosts.filter(cluster__name__iexact=cluster, name__iexact=host))
    return list(hosts.filter(cluster__name__iexact=name)) or list(hosts.filter(name__iexact=name))


def password_of(cluster: Cluster) -> str:
    """ "" for one that signs in by certificate. Raises EnvelopeError."""
    if cluster.transport == Transport.CERTIFICATE:
        return ""
    return credentials.reveal(cluster.password_envelope, owner=owner_of_credential(cluster))


def client_key_of(cluster: Cluster) -> str:
    """ "" for one that signs in by password. Raises EnvelopeError."""
    if cluster.transport != Transport.CERTIFICATE:
        return ""
    return credentials.reveal(cluster.client_key_envelope, owner=owner_of_client_key(cluster))


def with_node_counts(clusters: QuerySet[Cluster]) -> QuerySet[Cluster]:
    """Clusters with `nodes_total` and `nodes_up`. A paused node is up for nobody's VMs."""
    return clusters.annotate(
        nodes_total=Count("hosts", distinct=True),
        nodes_up=Count("hosts", filter=Q(hosts__state=HostState.UP), distinct=True),
    )


def address_parts(cluster: Cluster) -> Mapping[str, Any]:
    """What may be shown of how a cluster is reached."""
    return {
        "address": cluster.address,
        "port": cluster.port,
        "use_tls": cluster.use_tls,
        "transport": cluster.transport,
    }

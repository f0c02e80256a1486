"""The world's hosts as the WS-Management service sees them."""

from __future__ import annotations

from collections.abc import Sequence

from apps.lab.world import Cluster, Node, WireFault, World
from apps.lab.wsman.doors import Doors
from apps.lab.wsman.hosts import Account, WsmanHost


class Host:
    """One simulated machine; looks itself up anew each time, as a reset replaces rows."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self.name = name

    @property
    def fqdn(self) -> str:
        with self._world.locked():
            return self._world.cluster_of(self.name).fqdn(self._world.node(self.name))

    @property
    def powered_on(self) -> bool:
        with self._world.locked():
            return self._world.node(self.name).power == "on"

    @property
    def booted_at(self) -> float:
        with self._world.locked():
            return self._world.node(self.name).booted_at

    @property
    def powershell_start(self) -> float:
        return self._world.timing.powershell_start_ms / 1000

    @property
    def accounts(self) -> Sequence[Account]:
        with self._world.locked():
            return [account_of(self._world.cluster_of(self.name))]

    @property
    def doors(self) -> Doors:
        with self._world.locked():
            return self._world.node(self.name).doors

    def count_request(self) -> None:
        """One HTTP request answered, for the control address's counters."""
        self._world.count_request()

    def wire_fault(self, action: str) -> WireFault | None:
        """What the control address set for an answer."""
        with self._world.locked():
            return self._world.take_wire_fault(self._world.node(self.name), action)


def account_of(cluster: Cluster) -> Account:
    """The cluster's account, out of DOMAIN\\user, user@domain or a local name."""
    domain, backslash, user = cluster.username.rpartition("\\")
    if backslash:
        return Account(user, cluster.password, domain, cluster.domain)
    user, at, realm = cluster.username.partition("@")
    if at:
        return Account(user, cluster.password, realm.split(".")[0].upper(), realm)
    return Account(cluster.username, cluster.password)


class Directory:
    """Which machine answers at which loopback address."""

    def __init__(self, world: World) -> None:
        self._world = world

    def addresses(self) -> Sequence[str]:
        with self._world.locked():
            found = [node.address for _, node in self._world.nodes()]
            return [*found, *(cluster.address for cluster in self._world.clusters)]

    def names_at(self, address: str) -> Sequence[str]:
        with self._world.locked():
            for cluster in self._world.clusters:
                if cluster.address == address:
                    return [cluster.name, f"{cluster.name}.{cluster.domain}"]
                for node in cluster.nodes:
                    if node.address == address:
                        return [node.name, cluster.fqdn(node)]
        return []

    def host_at(self, address: str) -> WsmanHost | None:
        """A cluster's name moves to its first node that is on."""
        with self._world.locked():
            for cluster in self._world.clusters:
                if cluster.address == address:
                    return self._host(next((n for n in cluster.nodes if n.power == "on"), None))
                for node in cluster.nodes:
                    if node.address == address:
                        return self._host(node)
        return None

    def _host(self, node: Node | None) -> Host | None:
        return Host(self._world, node.name) if node else None

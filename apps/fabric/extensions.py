"""What rooms above know of a host or a cluster, for this room's pages and API.

A provider takes ids and gives a value for each that it knows: one query for a whole page.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

Provider = Callable[[Collection[UUID]], Mapping[UUID, Any]]

_host_extras: dict[str, Provider] = {}
_cluster_extras: dict[str, Provider] = {}


def register_host_extra(name: str, provider: Provider) -> None:
    _host_extras[name] = provider


def register_cluster_extra(name: str, provider: Provider) -> None:
    _cluster_extras[name] = provider


def host_extras(ids: Collection[UUID]) -> dict[str, Mapping[UUID, Any]]:
    """Each provider's values by host id."""
    return {name: provider(ids) for name, provider in _host_extras.items()}


def cluster_extras(ids: Collection[UUID]) -> dict[str, Mapping[UUID, Any]]:
    """Each provider's values by cluster id."""
    return {name: provider(ids) for name, provider in _cluster_extras.items()}

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


def host_extras(ids: Collection[UUID], *names: str) -> dict[str, Mapping[UUID, Any]]:
    """Values by host id of the providers that are named; of all where none is."""
    return _ask(_host_extras, ids, names)


def cluster_extras(ids: Collection[UUID], *names: str) -> dict[str, Mapping[UUID, Any]]:
    """Values by cluster id of the providers that are named; of all where none is."""
    return _ask(_cluster_extras, ids, names)


def _ask(
    providers: Mapping[str, Provider], ids: Collection[UUID], names: Collection[str]
) -> dict[str, Mapping[UUID, Any]]:
    return {
        name: provider(ids) for name, provider in providers.items() if not names or name in names
    }

import pytest

from apps.vms.models import VirtualMachine
from tests.fabric.fixtures import _running_lab, cluster, folk, lab, redis_server

__all__ = ["_running_lab", "cluster", "folk", "lab", "plain", "redis_server", "secret"]


@pytest.fixture
def plain(cluster) -> VirtualMachine:
    """Runs unprotected on alpha-1."""
    return VirtualMachine.objects.select_related("host", "cluster").get(name="plain")


@pytest.fixture
def secret(cluster) -> VirtualMachine:
    """Runs shielded on alpha-2."""
    return VirtualMachine.objects.select_related("host", "cluster").get(name="secret")

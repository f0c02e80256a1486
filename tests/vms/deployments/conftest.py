from tests.fabric.fixtures import _running_lab, cluster, folk, lab, redis_server
from tests.vms.deployments.makers import *  # noqa: F403

__all__ = ["_running_lab", "cluster", "folk", "lab", "redis_server"]

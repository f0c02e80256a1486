from tests.fabric.fixtures import _running_lab, cluster, folk, lab, redis_server

__all__ = ["_running_lab", "cluster", "folk", "lab", "redis_server"]

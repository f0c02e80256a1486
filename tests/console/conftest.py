from tests.vms.conftest import _running_lab, cluster, folk, lab, plain, redis_server, secret

__all__ = ["_running_lab", "cluster", "folk", "lab", "plain", "redis_server", "secret"]

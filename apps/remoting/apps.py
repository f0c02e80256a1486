from django.apps import AppConfig
from django.conf import settings


class RemotingConfig(AppConfig):
    name = "apps.remoting"
    verbose_name = "Remoting"

    def ready(self) -> None:
        from apps.common import redis
        from apps.remoting.pool import POOL
        from apps.remoting.quota import SharedQuota

        POOL.quota = SharedQuota(redis.client, settings.FABRIC_HOST_SESSIONS)

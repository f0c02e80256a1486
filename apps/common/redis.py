"""The Redis server: nudges, locks, leases, counters. Nothing that has to outlive it."""

from functools import cache

import redis
from django.conf import settings
from redis.backoff import ExponentialBackoff
from redis.retry import Retry


@cache
def client() -> redis.Redis:
    """One client a process; it keeps a pool of connections and is safe to share between threads."""
    return redis.Redis.from_url(
        settings.FABRIC_REDIS_URL,
        socket_timeout=10,
        socket_connect_timeout=5,
        health_check_interval=30,
        # By default it would try for seconds, and a page waits with it.
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 3),
    )

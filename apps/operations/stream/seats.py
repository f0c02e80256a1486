"""How many streams a person has open, over all web processes: leases in Redis."""

import time
from typing import Any

from django.conf import settings
from redis import asyncio as redis
from redis.exceptions import RedisError

MOST = 50
#: A seat is given up by itself where its process died: it is renewed with each heartbeat.
LEASE_SECONDS = 45


class Seats:
    """The seats of one person."""

    def __init__(self, user_id: str) -> None:
        self._key = f"fabric:streams:{user_id}"

    async def take(self, seat: str) -> bool:
        """Whether there was one left. Without Redis nobody counts: there are no nudges either."""
        try:
            async with _client() as client, client.pipeline(transaction=True) as pipe:
                pipe.zremrangebyscore(self._key, 0, time.time())
                pipe.zadd(self._key, {seat: time.time() + LEASE_SECONDS})
                pipe.zcard(self._key)
                pipe.expire(self._key, 2 * LEASE_SECONDS)
                counted = (await pipe.execute())[2]
        except (RedisError, OSError):
            return True
        if counted > MOST:
            await self.leave(seat)
            return False
        return True

    async def keep(self, seat: str) -> None:
        await self._quietly("zadd", self._key, {seat: time.time() + LEASE_SECONDS})

    async def leave(self, seat: str) -> None:
        await self._quietly("zrem", self._key, seat)

    async def _quietly(self, command: str, *values: Any) -> None:
        """The lease runs out by itself where this doesn't arrive."""
        try:
            async with _client() as client:
                await getattr(client, command)(*values)
        except (RedisError, OSError):
            return


def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.FABRIC_REDIS_URL, socket_timeout=5)

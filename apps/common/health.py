"""Whether this process lives, and whether the portal can do its work."""

import logging
from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from apps.common import heartbeats
from apps.common.redis import client

logger = logging.getLogger(__name__)


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "live"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when the database, Redis and at least one worker answer, else 503 and which doesn't."""
    checks = {name: probe() for name, probe in PROBES.items()}
    well = all(checks.values())
    body = {"status": "ready" if well else "not-ready", "checks": checks}
    answer = JsonResponse(body, status=200 if well else 503)
    # The probe that failed has told the log; that the answer is 503 is no news beside it.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone() == (1,)
    except DatabaseError as error:
        logger.warning("The database doesn't answer: %s", error)
        return False


def _redis() -> bool:
    try:
        return bool(client().ping())
    except RedisError as error:
        logger.warning("Redis doesn't answer: %s", error)
        return False


def _workers() -> bool:
    try:
        return bool(heartbeats.workers())
    except RedisError:
        return False  # that Redis doesn't answer is told by its own probe


PROBES: dict[str, Callable[[], bool]] = {
    "database": _database,
    "redis": _redis,
    "workers": _workers,
}

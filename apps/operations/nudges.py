"""Nudges: "this row changed, read it again". They carry no data, so losing one does no harm."""

import json
import logging
import time
from typing import Any, Literal

import redis
from django.db import transaction

from apps.common.redis import client
from apps.operations.models import Operation

CHANNEL = "fabric:nudges"
#: What a stream is told when it opens; a page is younger than this when its stream does.
RECENT = "fabric:nudges:recent"
RECENT_SECONDS = 10
MOST_RECENT = 200
#: `account` is for streams themselves, and told to nobody: whose it is may have lost its access.
Event = Literal[
    "operation", "vm", "host", "attestation", "cluster", "library", "deployment", "account"
]
logger = logging.getLogger(__name__)


def about(operation: Operation) -> None:
    publish("operation", operation.pk, operation.tenant_id, actor_id=operation.actor_id)


def publish(
    event: Event, id: Any, tenant_id: Any = None, *, kind: str = "", actor_id: Any = None
) -> None:
    """Tells open pages, once the transaction is committed, that a row changed.

    `kind` is the row's noun where it isn't the event's word (`library` speaks of several nouns).
    """
    told = {
        "event": event,
        "kind": kind or event,
        "id": str(id),
        "tenant": str(tenant_id) if tenant_id else None,
        "actor": str(actor_id) if actor_id else None,
    }
    transaction.on_commit(lambda: _send(told), robust=True)


def recent() -> list[dict[str, Any]]:
    """The nudges of the last seconds, oldest first: for a page that was made before its stream was
    open, and so may have missed one.
    """
    since = time.time() - RECENT_SECONDS
    told = [json.loads(text) for text in client().lrange(RECENT, 0, -1)]
    return [nudge for nudge in reversed(told) if nudge["at"] >= since]


def _send(told: dict[str, str | None]) -> None:
    try:
        text = json.dumps({**told, "at": time.time()})
        with client().pipeline(transaction=False) as pipe:
            pipe.publish(CHANNEL, text)
            pipe.lpush(RECENT, text)
            pipe.ltrim(RECENT, 0, MOST_RECENT - 1)
            pipe.expire(RECENT, RECENT_SECONDS)
            pipe.execute()
    except redis.RedisError as error:
        # Pages poll what is under way, so the work must not fail for want of a nudge.
        logger.warning("A nudge about %s %s was lost: %s", told["kind"], told["id"], error)

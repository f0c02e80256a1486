"""Nudges: "this row changed, read it again". They carry no data, so losing one does no harm."""

import json
import logging
from typing import Any, Literal

import redis
from django.db import transaction

from apps.common.redis import client

CHANNEL = "fabric:nudges"
Event = Literal["operation", "vm", "host", "attestation", "cluster", "library", "deployment"]
logger = logging.getLogger(__name__)


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


def _send(told: dict[str, str | None]) -> None:
    try:
        client().publish(CHANNEL, json.dumps(told))
    except redis.RedisError as error:
        # Pages poll what is under way, so the work must not fail for want of a nudge.
        logger.warning("A nudge about %s %s was lost: %s", told["kind"], told["id"], error)

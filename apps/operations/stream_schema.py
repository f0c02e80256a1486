"""The event stream in the OpenAPI document: no view tells of it."""

from typing import Any

from apps.common.api import schema

_PROBLEM = {"application/problem+json": {"schema": {"type": "object"}}}
_GET: dict[str, Any] = {
    "operationId": "events_stream",
    "tags": ["events"],
    "summary": "Nudges as server-sent events",
    "description": (
        "Each event is named operation, vm, host, attestation, cluster, library or deployment, and "
        'its data is {"kind", "id"} of a row that changed and that you may see: read it again. An '
        "event named resync says that some may have been missed; one named heartbeat comes every "
        "15 seconds, so that a way that was cut shows."
    ),
    "responses": {
        "200": {
            "description": "A stream that stays open.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        "401": {"description": "Nobody is signed in.", "content": _PROBLEM},
        "429": {"description": "50 streams of yours are open.", "content": _PROBLEM},
    },
}


def describe() -> None:
    schema.describe("/api/v1/events/", {"get": _GET})

"""/api/v1/uploads/: what reads is Django's, what moves bytes is answered here, as they stream."""

from __future__ import annotations

import logging
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from redis.exceptions import RedisError

from apps.common import asgi, problems
from apps.common.api.exceptions import without_redis
from apps.common.asgi import Send
from apps.common.errors import PortalError
from apps.library.tus import handlers, protocol
from apps.library.tus.body import Body, Gone, Receive
from apps.library.tus.handlers import Reply

PREFIX = "/api/v1/uploads/"
_django = ASGIHandler()
logger = logging.getLogger(__name__)


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answers tus requests; everything else at these addresses is Django's."""
    key = scope["path"].removeprefix(PREFIX).removesuffix("/")
    handler = handlers.find(scope["method"], key)
    if handler is None:
        await _django(scope, receive, send)
        return
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    body = Body(receive, headers)
    try:
        reply = await handler(scope, headers, body, key)
    except Gone:
        return
    except (PortalError, RedisError, OSError) as error:
        reply = await _refusal(error, body)
    await _send(reply, send, body)


async def _refusal(error: Exception, body: Body) -> Reply:
    """A problem document, once the client had the time to send what it was sending."""
    await body.drain()
    if isinstance(error, RedisError):
        error = without_redis(error)
    if not isinstance(error, PortalError):
        logger.error("An upload met a fault.", exc_info=error)
        error = handlers.fault()
    answer = problems.response(error)
    headers = {**answer.headers, "Tus-Resumable": protocol.VERSION, "Cache-Control": "no-store"}
    if error.status == 412:
        headers["Tus-Version"] = protocol.VERSION
    if "offset" in error.extra:
        headers["Upload-Offset"] = str(error.extra["offset"])
    return error.status, headers, answer.content


async def _send(reply: Reply, send: Send, body: Body) -> None:
    status, more, content = reply
    headers = dict(more)
    if status != 204:
        headers["Content-Length"] = str(len(content))
    if not body.is_over:
        headers["Connection"] = "close"
    await asgi.answer(send, status, headers, content)

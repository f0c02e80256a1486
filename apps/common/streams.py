"""Downloads that are written while they are read, whatever their size."""

from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

PORTION = 500


def download(
    request: HttpRequest, lines: Iterator[str], *, content_type: str, filename: str
) -> StreamingHttpResponse:
    """The lines as a file; `filename` is the portal's own word."""
    content: Any = _asynchronous(lines) if isinstance(request, ASGIRequest) else lines
    answer = StreamingHttpResponse(content, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    answer["Cache-Control"] = "no-store"
    return answer


async def _asynchronous(lines: Iterator[str]) -> AsyncIterator[str]:
    """The same lines without holding up the event loop: a thread gets them in portions."""
    take = sync_to_async(lambda: "".join(islice(lines, PORTION)), thread_sensitive=True)
    while portion := await take():
        yield portion

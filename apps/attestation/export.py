"""History as a file: CSV for spreadsheets, JSON for programs; streamed, whatever its size."""

import csv
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from apps.attestation.models import VerdictSpan
from apps.common.spreadsheets import safe
from apps.common.time import iso

FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
COLUMNS = (
    "host", "cluster", "kind", "status", "sub_status", "first_seen", "last_seen", "observations",
    "reason", "host_id", "cluster_id",
)  # fmt: skip
CHUNK = 500


class _Line:
    """What csv writes to: gives each line back."""

    def write(self, line: str) -> str:
        return line


def response(
    request: HttpRequest, spans: Iterable[VerdictSpan], format_: str
) -> StreamingHttpResponse:
    """The spans as a download in one of FORMATS."""
    lines = csv_lines(spans) if format_ == "csv" else json_lines(spans)
    content: Any = lines
    if isinstance(request, ASGIRequest):
        content = _asynchronous(lines)
    answer = StreamingHttpResponse(content, content_type=FORMATS[format_])
    answer["Content-Disposition"] = f'attachment; filename="attestation-history.{format_}"'
    answer["Cache-Control"] = "no-store"
    return answer


def csv_lines(spans: Iterable[VerdictSpan]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for span in spans:
        row = as_dict(span) | {"sub_status": " ".join(span.sub_status)}
        yield writer.writerow([safe(row[name]) for name in COLUMNS])


def json_lines(spans: Iterable[VerdictSpan]) -> Iterator[str]:
    yield "["
    for number, span in enumerate(spans):
        yield (",\n" if number else "\n") + json.dumps(as_dict(span))
    yield "\n]\n"


def as_dict(span: VerdictSpan) -> dict[str, Any]:
    return {
        "host": span.host_name,
        "cluster": span.cluster_name,
        "kind": span.kind,
        "status": span.status or None,
        "sub_status": span.sub_status,
        "first_seen": iso(span.first_seen),
        "last_seen": iso(span.last_seen),
        "observations": span.observations,
        "reason": span.reason,
        "host_id": str(span.host_key),
        "cluster_id": str(span.cluster_key),
    }


async def _asynchronous(lines: Iterator[str]) -> AsyncIterator[str]:
    """The same lines without holding up the event loop: a thread gets them in portions."""
    take = sync_to_async(lambda: "".join(islice(lines, CHUNK)), thread_sensitive=True)
    while portion := await take():
        yield portion

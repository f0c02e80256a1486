"""History as a file: CSV for spreadsheets, JSON for programs; streamed, whatever its size."""

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from apps.attestation.models import VerdictSpan
from apps.common import streams
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
    filename = f"attestation-history.{format_}"
    return streams.download(request, lines, content_type=FORMATS[format_], filename=filename)


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

"""The log's root, its proofs and its export: what somebody needs who doesn't trust the portal."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit import checkpoints, evidence, leaves, proofs, services
from apps.audit.api.serializers import (
    CheckpointSerializer,
    ConsistencySerializer,
    InclusionSerializer,
)
from apps.audit.filters import AuditFilters
from apps.audit.models import AuditEntry
from apps.common import streams
from apps.common.access import missing, require_noun
from apps.common.api.filters import clean_query
from apps.common.api.views import PortalMixin
from apps.common.errors import Invalid

NOUN = "audit-entry"


def _number(name: str, words: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.INT, description=words, required=True)


class CheckpointView(PortalMixin):
    @extend_schema(responses=CheckpointSerializer)
    def get(self, request: Request) -> Response:
        """The log as it is now."""
        require_noun(request.user, NOUN, "view")
        return Response(told(checkpoints.now()))


class InclusionView(PortalMixin):
    @extend_schema(
        parameters=[
            _number("entry", "its index"),
            OpenApiParameter("size", OpenApiTypes.INT, description="of the tree; all, unless said"),
        ],
        responses=InclusionSerializer,
    )
    def get(self, request: Request) -> Response:
        """That an entry is in the log."""
        require_noun(request.user, NOUN, "view")
        size = proofs.size()
        index = _asked(request, "entry", size)
        entry = AuditEntry.objects.restrict(request.user).filter(index=index).first()
        if entry is None:
            raise missing(NOUN)
        if "size" in request.query_params:
            size = _asked(request, "size", size, least=index)
        found = InclusionSerializer(
            {
                "index": index,
                "leaf": leaves.text_of(entry),
                "hash": entry.hash,
                "proof": _hex(proofs.inclusion(index, size)),
                "checkpoint": told(checkpoints.now(size)),
            }
        )
        return Response(found.data)


class ConsistencyView(PortalMixin):
    @extend_schema(
        parameters=[_number("first", "a size"), _number("second", "a later one")],
        responses=ConsistencySerializer,
    )
    def get(self, request: Request) -> Response:
        """That nothing of the first entries was changed or taken away since."""
        require_noun(request.user, NOUN, "view")
        size = proofs.size()
        second = _asked(request, "second", size)
        first = _asked(request, "first", second)
        found = ConsistencySerializer(
            {
                "first": first,
                "first_root": proofs.root(first).hex(),
                "second": second,
                "second_root": proofs.root(second).hex(),
                "proof": _hex(proofs.consistency(first, second)),
            }
        )
        return Response(found.data)


class ExportView(PortalMixin):
    @extend_schema(responses={(200, "application/jsonl"): OpenApiTypes.STR})
    def get(self, request: Request) -> StreamingHttpResponse:
        """Entries with what proves them, a JSON value a line; the same filters as the list."""
        require_noun(request.user, NOUN, "export")
        rows = AuditEntry.objects.restrict(request.user)
        asked = clean_query(request.query_params)
        found = AuditFilters(asked, queryset=rows, request=request._request).rows()
        services.record(
            actor=request.user, action="audit.export", target_kind="audit-log", target_id="",
            target_name="The log", outcome="done", detail={"filter": asked.urlencode()[:500]},
        )  # fmt: skip
        return streams.download(
            request._request,
            evidence.lines(found, complete=not asked),
            content_type="application/jsonl",
            filename="audit-evidence.jsonl",
        )


def told(checkpoint: checkpoints.Checkpoint) -> dict[str, Any]:
    key = checkpoints.signer()
    return {
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "note": checkpoint.note,
        "key": key.verifier_key if key else "",
    }


def _hex(hashes: list[bytes]) -> list[str]:
    return [one.hex() for one in hashes]


def _asked(request: Request, name: str, most: int, least: int = 1) -> int:
    """A number of entries, or an entry's."""
    given = request.query_params.get(name, "")
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise Invalid.field(name, "A whole number is needed.", code="invalid")
    if not least <= int(given) <= most:
        words = f"It has to be between {least} and {most}." if most else "The log is empty."
        raise Invalid.field(name, words, code="out-of-range")
    return int(given)

"""Operations and their events as the API tells them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.api.fields import MomentField, RelatedField, UrlField
from apps.operations.models import Operation, OperationEvent

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}


def _object(nullable: bool = False, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "nullable": nullable, "readOnly": True, "properties": properties}


class OperationSerializer(serializers.ModelSerializer[Operation]):
    """The row of an operation, as every answer about it carries it."""

    url = UrlField("operation-detail")
    target = serializers.SerializerMethodField()
    actor = serializers.SerializerMethodField()
    tenant = RelatedField()
    retry_of = RelatedField(name="title")
    steps = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    script = serializers.SerializerMethodField()
    created_at = MomentField()
    started_at = MomentField()
    ended_at = MomentField()

    class Meta:
        model = Operation
        fields = [
            "id",
            "url",
            "kind",
            "title",
            "target",
            "actor",
            "tenant",
            "status",
            "steps",
            "progress",
            "created_at",
            "started_at",
            "ended_at",
            "error",
            "script",
            "result",
            "retry_of",
            "cancel_requested",
            "attempt",
        ]
        read_only_fields = fields

    @extend_schema_field(_object(kind=_TEXT, id=_TEXT, name=_TEXT))
    def get_target(self, row: Operation) -> dict[str, str]:
        return {"kind": row.target_kind, "id": row.target_id, "name": row.target_name}

    @extend_schema_field(_object(id=_TEXT, name=_TEXT))
    def get_actor(self, row: Operation) -> dict[str, str | None]:
        return {"id": str(row.actor_id) if row.actor_id else None, "name": row.actor_name}

    @extend_schema_field(
        {
            "type": "array",
            "items": _object(name=_TEXT, status=_TEXT, progress=_WHOLE, message=_TEXT),
        }
    )
    def get_steps(self, row: Operation) -> list[dict[str, Any]]:
        return row.steps

    @extend_schema_field(_object(True, code=_TEXT, message=_TEXT, hint=_TEXT, host_message=_TEXT))
    def get_error(self, row: Operation) -> dict[str, str] | None:
        return row.error

    @extend_schema_field(_object(True, name=_TEXT, text=_TEXT, parameters={"type": "object"}))
    def get_script(self, row: Operation) -> dict[str, Any] | None:
        return row.script


class EventSerializer(serializers.ModelSerializer[OperationEvent]):
    time = MomentField()

    class Meta:
        model = OperationEvent
        fields = ["seq", "time", "kind", "step", "progress", "message"]
        read_only_fields = fields

from typing import Any

from rest_framework import serializers

from apps.audit.models import AuditEntry
from apps.common.api.fields import MomentField


class TargetSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(source="target_kind")
    id = serializers.CharField(source="target_id")
    name = serializers.CharField(source="target_name")


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """`hash` is null until proofs exist for the entry."""

    time = MomentField(read_only=True)
    actor = serializers.CharField(source="actor_name", read_only=True)
    target = TargetSerializer(source="*", read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = AuditEntry
        fields = ("index", "url", "time", "actor", "action", "target", "outcome", "detail", "hash")

    def get_url(self, entry: AuditEntry) -> str:
        return f"/api/v1/audit/entries/{entry.index}/"

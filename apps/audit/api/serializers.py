from typing import Any

from rest_framework import serializers

from apps.audit.models import AuditEntry
from apps.common.api.fields import MomentField


class TargetSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(source="target_kind")
    id = serializers.CharField(source="target_id")
    name = serializers.CharField(source="target_name")


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """`hash` is the leaf's in the log's tree, in hex."""

    time = MomentField(read_only=True)
    actor = serializers.CharField(source="actor_name", read_only=True)
    target = TargetSerializer(source="*", read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = AuditEntry
        fields = ("index", "url", "time", "actor", "action", "target", "outcome", "detail", "hash")

    def get_url(self, entry: AuditEntry) -> str:
        return f"/api/v1/audit/entries/{entry.index}/"


class CheckpointSerializer(serializers.Serializer[Any]):
    """`root` in hex; `note` is the signed note and `key` what checks it, "" without a key."""

    size = serializers.IntegerField()
    root = serializers.CharField()  # type: ignore[assignment]  # DRF's own `root` isn't used here
    note = serializers.CharField()
    key = serializers.CharField()


class InclusionSerializer(serializers.Serializer[Any]):
    """`leaf` is the text whose hash is entry `index`'s; `proof` leads from there to `root`."""

    index = serializers.IntegerField()
    leaf = serializers.CharField()
    hash = serializers.CharField()
    proof = serializers.ListField(child=serializers.CharField())
    checkpoint = CheckpointSerializer()


class ConsistencySerializer(serializers.Serializer[Any]):
    """`proof` leads from the root over `first` entries to that over `second`."""

    first = serializers.IntegerField()
    first_root = serializers.CharField()
    second = serializers.IntegerField()
    second_root = serializers.CharField()
    proof = serializers.ListField(child=serializers.CharField())

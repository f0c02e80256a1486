"""The fabric's rows as the API shows them, and what it takes to add a cluster."""

from collections.abc import Callable, Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.common.api.fields import MomentField, RelatedField, UrlField
from apps.fabric import extensions
from apps.fabric.choices import Transport
from apps.fabric.models import Cluster, HealthFault, Host, VirtualSwitch, Volume
from apps.fabric.ways import KINDS

OBSERVED = ("observed_at", "freshness", "problem")
_TEXT = {"type": "string"}
_RELATED = {
    "type": "object",
    "nullable": True,
    "properties": {"id": {"type": "string", "format": "uuid"}, "name": _TEXT},
}
_ATTESTATION = {
    "type": "object",
    "nullable": True,
    "properties": {
        "status": _TEXT,
        "sub_status": {"type": "array", "items": _TEXT},
        "summary": _TEXT,
        "fix": _TEXT,
        "checked_at": {"type": "string", "format": "date-time", "nullable": True},
    },
}


class ObservedSerializer(serializers.ModelSerializer[Any]):
    freshness = serializers.CharField(read_only=True)
    observed_at = MomentField(read_only=True, allow_null=True)

    def told_above(self, row: Any, name: str, ask: Callable[..., Mapping[str, Any]]) -> Any:
        """What a room above knows of the row: asked once for all rows of an answer."""
        context: Any = self.context
        known = context.setdefault("extras", {})
        if row.pk not in known.setdefault("ids", set()):
            rows: Any = self.parent.instance if self.parent is not None else [row]
            known["ids"] = {one.pk for one in rows} | {row.pk}
            known["values"] = ask(known["ids"], name)
        return known["values"].get(name, {}).get(row.pk)


class ClusterSerializer(ObservedSerializer):
    url = UrlField("cluster-detail")
    nodes_up = serializers.IntegerField(read_only=True)
    nodes_total = serializers.IntegerField(read_only=True)
    guardian_service = serializers.SerializerMethodField()

    class Meta:
        model = Cluster
        fields = (
            "id", "url", "name", "address", "port", "transport", "use_tls", "domain",
            "keeps_powershell", "guardian_service", "nodes_up", "nodes_total", *OBSERVED,
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(_RELATED)
    def get_guardian_service(self, cluster: Cluster) -> Any:
        return self.told_above(cluster, "guardian_service", extensions.cluster_extras)


class ClusterBodySerializer(serializers.Serializer[Any]):
    """How a cluster is reached. Password and client key are kept sealed and never shown.

    `certificate` takes `client_certificate` and `client_key`, every other transport `username`
    and `password`.
    """

    name = serializers.CharField(max_length=64)
    address = serializers.CharField(max_length=253)
    port = serializers.IntegerField(min_value=1, max_value=65535)
    use_tls = serializers.BooleanField()
    transport = serializers.ChoiceField(choices=Transport.choices)
    username = serializers.CharField(max_length=256, required=False)
    password = serializers.CharField(
        max_length=1024, required=False, trim_whitespace=False, write_only=True,
        style={"input_type": "password"},
    )  # fmt: skip
    ca_certificate = serializers.CharField(max_length=65_536, required=False, allow_blank=True)
    fingerprint = serializers.CharField(max_length=128, required=False, allow_blank=True)
    keeps_powershell = serializers.BooleanField(required=False)
    client_certificate = serializers.CharField(max_length=65_536, required=False, allow_blank=True)
    client_key = serializers.CharField(
        max_length=65_536, required=False, write_only=True, style={"input_type": "password"}
    )


class HostSerializer(ObservedSerializer):
    url = UrlField("host-detail")
    cluster = RelatedField()
    booted_at = MomentField(read_only=True, allow_null=True)
    attestation = serializers.SerializerMethodField()

    class Meta:
        model = Host
        fields = (
            "id", "url", "name", "fqdn", "cluster", "address", "state", "drain", "attestation",
            "processors", "memory_bytes", "memory_available_bytes", "os_name", "os_version",
            "booted_at", *OBSERVED,
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(_ATTESTATION)
    def get_attestation(self, host: Host) -> Any:
        return self.told_above(host, "attestation", extensions.host_extras)


class ResumeSerializer(serializers.Serializer[Any]):
    failback = serializers.BooleanField(required=False, default=True)


class VolumeSerializer(ObservedSerializer):
    url = UrlField("volume-detail")
    cluster = RelatedField()

    class Meta:
        model = Volume
        fields = (
            "id", "url", "name", "cluster", "path", "state", "file_system", "owner_node",
            "size_bytes", "free_bytes", *OBSERVED,
        )  # fmt: skip
        read_only_fields = fields


class VirtualSwitchSerializer(ObservedSerializer):
    url = UrlField("virtual-switch-detail")
    cluster = RelatedField()
    hosts = RelatedField(many=True)

    class Meta:
        model = VirtualSwitch
        fields = ("id", "url", "name", "cluster", "type", "hosts", *OBSERVED)
        read_only_fields = fields


class HealthFaultSerializer(ObservedSerializer):
    url = UrlField("health-fault-detail")
    cluster = RelatedField()
    raised_at = MomentField(read_only=True, allow_null=True)

    class Meta:
        model = HealthFault
        fields = (
            "id", "url", "cluster", "fault_id", "type", "severity", "reason", "faulting_object",
            "location", "actions", "raised_at", *OBSERVED,
        )  # fmt: skip
        read_only_fields = fields


class ReadinessCheckSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    ok = serializers.BooleanField(allow_null=True)
    message = serializers.CharField()
    fix = serializers.CharField()


class WaySerializer(serializers.Serializer[Any]):
    """A way in that a host's listeners offer (or not), safest first."""

    id = serializers.ChoiceField(choices=[kind.id for kind in KINDS])
    name = serializers.CharField()
    port = serializers.IntegerField()
    offered = serializers.BooleanField(allow_null=True)
    trusted = serializers.BooleanField(allow_null=True)
    chosen = serializers.BooleanField()
    safest = serializers.BooleanField()
    message = serializers.CharField()


class ClusterPreflightSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    checks = ReadinessCheckSerializer(many=True)
    fingerprint = serializers.CharField()
    ways = WaySerializer(many=True)
